import { type ChangedFile, type Side, sidesOf } from "../facts/change-set.ts";
import { isCompose, isDockerfile, isKubernetes, isTest } from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import type { ServiceFound, ServiceMatch } from "../facts/service.ts";

type Line = { readonly value: string; readonly line: number | null };

/** What an image is built upon or called, and by what its health is probed. */
export function imageFindings(files: readonly ChangedFile[]): ServiceFound[] {
  return files
    .filter(({ path }) => !isTest(path))
    .filter(({ path }) => [isDockerfile, isCompose, isKubernetes].some((is) => is(path)))
    .flatMap((file) => [
      ...replaced(file, imagesIn, "deploy.image").map((found) => ({
        ...found,
        // What an image is built upon is within it, and what runs beside the service is its own.
        matches: isDockerfile(file.path) ? [{ by: "base" } as const] : [],
      })),
      ...replaced(file, probesIn, "deploy.healthcheck"),
    ]);
}

/** One finding for a file of which something went; what came stands beside it. */
function replaced(
  file: ChangedFile,
  read: (path: string, side: Side) => Line[],
  rule: string,
): ServiceFound[] {
  const sides = sidesOf(file);
  const old = read(file.oldPath ?? file.path, sides.old);
  const now = read(file.path, sides.new);
  const [before, after] = [old, now].map((lines) => new Set(lines.map(({ value }) => value)));
  const gone = old.filter(({ value }) => after?.has(value) === false);
  const came = now.filter(({ value }) => before?.has(value) === false);
  const first = gone[0];
  if (first === undefined) return [];
  const paths = rule === "deploy.healthcheck" ? gone.flatMap(({ value }) => pathsIn(value)) : [];
  return [
    {
      finding: finding({
        rule,
        trigger: "deployment",
        subject: file.path,
        breaking: "maybe",
        provider: { path: file.path, line: came[0]?.line ?? first.line },
        before: first.value,
        after: came[0]?.value ?? null,
        replacement: came[0]?.value ?? null,
      }),
      matches: [...paths, { by: "image" }],
    },
  ];
}

function imagesIn(path: string, side: Side): Line[] {
  const pattern = isDockerfile(path)
    ? /^\s*FROM\s+(?:--\S+\s+)*([\w./:@${}-]+)/i
    : /^\s*(?:-\s*)?image:\s*["']?([\w./:@${}-]+)/;
  return matching(side, pattern);
}

function probesIn(path: string, side: Side): Line[] {
  if (isDockerfile(path)) return matching(side, /^\s*HEALTHCHECK\s(.*)/i);
  if (isCompose(path)) return matching(side, /^\s*test:(.*)/);
  return matching(side, /^\s*path:\s*["']?(\/[\w/.-]*)/);
}

function matching(side: Side, pattern: RegExp): Line[] {
  return side.lines.flatMap(({ text, line }) => {
    const value = pattern.exec(text)?.[1]?.trim();
    return value === undefined || value === "" ? [] : [{ value, line }];
  });
}

/** The paths that a probe asks for: who else asks for them is hit. */
function pathsIn(probe: string): ServiceMatch[] {
  const paths = probe.matchAll(/(?:^|https?:\/\/[^/\s"']+)(\/[\w/.-]+)/g);
  return [...paths].map(([, path = ""]) => ({ by: "route", method: "GET", path }));
}
