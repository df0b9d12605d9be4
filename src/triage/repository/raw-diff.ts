import { PermanentError } from "../../outcome.ts";
import { isNoise } from "../noise.ts";
import { GitLimitError, git } from "./git.ts";
import { isBeyondLimits } from "./list-tree.ts";
import type { Mirror } from "./mirror-folder.ts";
import type { RepositoryLimits } from "./repository-limits.ts";

/** One side of a changed file. */
export type RawSide = { readonly path: string; readonly mode: string; readonly id: string };

/** A changed file as `git diff --raw` tells it. A side is null where there is no file. */
export type RawChange = { readonly before: RawSide | null; readonly after: RawSide | null };

export type RawDiff = { readonly changes: readonly RawChange[]; readonly capsHit: string[] };

export type DiffOptions = { readonly signal: AbortSignal; readonly limits: RepositoryLimits };

/**
 * The files that differ between two commits, without noise, renames found, in git's order.
 * Where finding renames takes more than git may take, they are told as files that went and
 * files that came. Throws a PermanentError for trees with too many files to compare: git keeps
 * all differences in memory before it tells one, so they are counted before.
 */
export async function rawDiff(
  { gitDir }: Mirror,
  base: string,
  head: string,
  { signal, limits }: DiffOptions,
): Promise<RawDiff> {
  for (const tree of [base, head]) {
    if (!(await isBeyondLimits(gitDir, tree, { signal, limits }))) continue;
    throw new PermanentError(
      `the tree of ${tree} is too large to be compared: it has more than ` +
        `${limits.treeEntriesMax} files, or names of more than ${limits.listBytesMax} bytes`,
    );
  }
  const diff = async (...renames: readonly string[]) =>
    await git(
      gitDir,
      [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        ...renames,
        "--end-of-options",
        base,
        head,
        "--",
      ],
      { signal, bytesMax: limits.listBytesMax, overflow: "cut" },
    );
  const capsHit: string[] = [];
  const { stdout, isCut } = await diff("-M", `-l${limits.renamesMax}`).catch((err: unknown) => {
    if (!(err instanceof GitLimitError)) throw err;
    capsHit.push("renames");
    return diff("--no-renames");
  });
  const all = [...changesIn(stdout.toString("utf8"))].filter((change) => !isNoise(pathOf(change)));
  const changes = all.slice(0, limits.filesMax);
  if (isCut || changes.length < all.length) capsHit.push("files");
  return { changes, capsHit };
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
