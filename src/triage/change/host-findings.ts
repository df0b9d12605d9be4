import { type ChangedFile, type Side, sidesOf } from "../facts/change-set.ts";
import { isTest } from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import type { ServiceFound } from "../facts/service.ts";

type Host = { readonly name: string; readonly path: string; readonly line: number | null };

/**
 * Names of Kubernetes Services that answer no more: by them others in the cluster call the
 * service. One with another in its place was renamed; one that went alone may be deployed
 * from elsewhere.
 */
export function hostFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const named = files.filter(({ path }) => /\.ya?ml$/i.test(path) && !isTest(path));
  const old = named.flatMap((file) => hostsIn(file.oldPath ?? file.path, sidesOf(file).old));
  const now = named.flatMap((file) => hostsIn(file.path, sidesOf(file).new));
  const [before, after] = [old, now].map((hosts) => new Set(hosts.map(({ name }) => name)));
  const gone = old.filter(({ name }) => after?.has(name) === false);
  const came = now.filter(({ name }) => before?.has(name) === false);
  return [...new Map(gone.map((host) => [host.name, host])).values()].map((host) => {
    const inPlace = came.filter(({ path }) => path === host.path);
    const heir = inPlace[0] ?? (came.length === 1 ? came[0] : undefined);
    return {
      finding: finding({
        rule: "deploy.host",
        trigger: "endpoints",
        subject: host.name,
        breaking: heir === undefined ? "maybe" : "yes",
        provider: { path: heir?.path ?? host.path, line: heir?.line ?? host.line },
        before: host.name,
        after: heir?.name ?? null,
        replacement: heir?.name ?? null,
      }),
      matches: [{ by: "host", host: host.name }],
    };
  });
}

/** `metadata.name` of each document of kind Service. Of a diff's lines nobody knows the document. */
function hostsIn(path: string, side: Side): Host[] {
  if (!side.isWhole) return [];
  const hosts: Host[] = [];
  let isService = false;
  let isMetadata = false;
  let found: Host | null = null;
  const close = (): void => {
    if (isService && found !== null) hosts.push(found);
    [isService, isMetadata, found] = [false, false, null];
  };
  for (const { text, line } of side.lines) {
    if (text.startsWith("---")) close();
    else if (/^\w/.test(text)) {
      isMetadata = /^metadata:\s*$/.test(text);
      isService ||= /^kind:\s*["']?Service["']?\s*$/.test(text);
    } else if (isMetadata && found === null) {
      const name = /^ {1,4}name:\s*["']?([a-z0-9][a-z0-9-]*)["']?\s*$/.exec(text)?.[1];
      if (name !== undefined) found = { name, path, line };
    }
  }
  close();
  return hosts;
}
