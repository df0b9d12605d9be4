import { type ChangedFile, type DiffLine, sidesOf } from "../facts/change-set.ts";
import { isCode, isTest } from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import { EVERYTHING_BELOW, joinPaths, type ServiceFound } from "../facts/service.ts";
import { routesOf } from "./route-findings.ts";

/** Where a file mounts what another file has: `app.use("/v1", require("./orders"))`. */
type Mount = { readonly prefix: string; readonly mounted: string; readonly line: number | null };

/** More than the result holds, so that its cap tells of the rest. */
const MOVED_MAX = 1_000;

/**
 * Prefixes below which a file mounted routes of another file that it mounts below another one now.
 * Which routes these are is not in the change: whoever asks for anything below may be hit.
 */
export function mountFindings(files: readonly ChangedFile[]): ServiceFound[] {
  return files
    .filter(({ path }) => isCode(path) && !isTest(path))
    .flatMap(movedMounts)
    .slice(0, MOVED_MAX);
}

function movedMounts(file: ChangedFile): ServiceFound[] {
  const { old, new: now } = sidesOf(file);
  const [before, after] = [mountsIn(old.lines), mountsIn(now.lines)];
  if (before.length === 0 || after.length === 0) return [];
  const known = new Set(after.map(keyOf));
  // Routes of its own that a file mounts are told one by one.
  const own = routesOf(file.oldPath ?? file.path, old).map(({ path }) => path);
  return before.flatMap((mount) => {
    const heir = after.find(({ mounted }) => mounted === mount.mounted);
    if (heir === undefined || known.has(keyOf(mount))) return [];
    if (own.some((path) => path.startsWith(`${mount.prefix}/`))) return [];
    return [movedFinding(file.path, mount, heir)];
  });
}

function movedFinding(file: string, mount: Mount, heir: Mount): ServiceFound {
  const [path, now] = [mount, heir].map(({ prefix }) => joinPaths(prefix, EVERYTHING_BELOW));
  return {
    finding: finding({
      rule: "http.route_changed",
      trigger: "endpoints",
      subject: path ?? "",
      breaking: "maybe",
      provider: { path: file, line: heir.line },
      before: path ?? "",
      after: now ?? null,
      replacement: now ?? null,
    }),
    matches: [{ by: "route", method: "*", path: path ?? "" }],
  };
}

function keyOf({ prefix, mounted }: Mount): string {
  return JSON.stringify([prefix, mounted]);
}

/** `app.use("/v1", orders)`, `app.route("/v1", orders)` of Hono. */
const FIRST = /\.(?:use|route)\(\s*["'`](\/[\w/.:-]+)["'`]\s*,\s*([^\s,][^,]*)$/;
/** `register(orders, { prefix: "/v1" })`, `include_router(orders, prefix="/v1")`, `url_prefix=`. */
const OPTION = /\b(?:register|include_router|register_blueprint)\(/;
const PREFIX = /\b(?:url_)?prefix["']?\s*[:=]\s*["'`](\/[\w/.:-]+)["'`]/;

function mountsIn(lines: readonly DiffLine[]): Mount[] {
  return lines.flatMap(({ text, line }) => {
    const code = text.trim();
    if (/^(?:#|\/\/|\*)/.test(code)) return [];
    const [, first, router = ""] = FIRST.exec(code) ?? [];
    if (first !== undefined) return [{ prefix: first, mounted: router, line }];
    const [, given = ""] = code.split(OPTION, 2);
    const prefix = PREFIX.exec(given)?.[1];
    const mounted = given.split(",", 1)[0]?.trim() ?? "";
    return mounted === "" || prefix === undefined ? [] : [{ prefix, mounted, line }];
  });
}
