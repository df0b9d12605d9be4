import { isNoise } from "../noise.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import type { RepositoryLimits } from "./repository-limits.ts";

/** One side of a changed file. */
export type RawSide = { readonly path: string; readonly mode: string; readonly id: string };

/** A changed file as `git diff --raw` tells it. A side is null where there is no file. */
export type RawChange = { readonly before: RawSide | null; readonly after: RawSide | null };

export type RawDiff = { readonly changes: readonly RawChange[]; readonly capsHit: string[] };

export type DiffOptions = { readonly signal: AbortSignal; readonly limits: RepositoryLimits };

/** The files that differ between two commits, without noise, renames found, in git's order. */
export async function rawDiff(
  { gitDir }: Mirror,
  base: string,
  head: string,
  { signal, limits }: DiffOptions,
): Promise<RawDiff> {
  const flags = ["-r", "-z", "-M", `-l${limits.renamesMax}`, "--raw", "--no-abbrev"];
  const { stdout, isCut } = await git(
    gitDir,
    ["diff-tree", ...flags, "--end-of-options", base, head, "--"],
    { signal, bytesMax: limits.listBytesMax, overflow: "cut" },
  );
  const all = [...changesIn(stdout.toString("utf8"))].filter((change) => !isNoise(pathOf(change)));
  const changes = all.slice(0, limits.filesMax);
  return { changes, capsHit: isCut || changes.length < all.length ? ["files"] : [] };
}

export function pathOf({ before, after }: RawChange): string {
  return after?.path ?? before?.path ?? "";
}

/** `:MODE MODE ID ID STATUS NUL PATH NUL`, and a second path for a rename. */
function* changesIn(text: string): Generator<RawChange> {
  // Behind the last NUL is nothing, or what a cap has cut.
  const fields = text.split("\0").slice(0, -1);
  let at = 0;
  while (at < fields.length) {
    const told = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(fields[at] ?? "");
    const [, oldMode = "", newMode = "", oldId = "", newId = "", status = ""] = told ?? [];
    const first = fields[at + 1];
    const isRenamed = status === "R" || status === "C";
    const second = isRenamed ? fields[at + 2] : first;
    if (first === undefined || second === undefined) return;
    yield {
      before: status === "A" ? null : { path: first, mode: oldMode, id: oldId },
      after: status === "D" ? null : { path: second, mode: newMode, id: newId },
    };
    at += isRenamed ? 3 : 2;
  }
}
