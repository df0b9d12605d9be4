import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PermanentError } from "../../../index.ts";
import { isNoise } from "../../facts/file-kinds.ts";
import type { RepositoryLimits } from "../../facts/limits.ts";
import { type ParsedDiff, parseDiff } from "../parse-diff.ts";
import { GitLimitError, git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import { isBeyondLimits } from "./read-objects.ts";

/** One side of a changed file. */
export type RawSide = { readonly path: string; readonly mode: string; readonly id: string };

/** A changed file as `git diff --raw` tells it. A side is null where there is no file. */
export type RawChange = { readonly before: RawSide | null; readonly after: RawSide | null };

type RawDiff = { readonly changes: readonly RawChange[]; readonly capsHit: string[] };

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

/** Two blobs to hold against each other; null: there is none on that side. */
type BlobPair = { readonly before: string | null; readonly after: string | null };

export type LineDiffs = {
  /** By the place of the pair in the list; what the cap has cut off is absent. */
  readonly diffs: ReadonlyMap<number, ParsedDiff>;
  readonly isCut: boolean;
};

/**
 * The lines that differ in each pair, by one run of git. The blobs are put into two trees of
 * their own, under numbers: no attributes of the repository, no strange names, no second
 * search for renames, and an order that decides what the cap cuts off. The trees are written
 * to `scratchFolder`; the mirror is only read.
 */
export async function lineDiffs(
  gitDir: string,
  pairs: readonly BlobPair[],
  { scratchFolder, signal, limits }: DiffOptions & { readonly scratchFolder: string },
): Promise<LineDiffs> {
  const objects = join(scratchFolder, "objects");
  await mkdir(join(objects, "info"), { recursive: true });
  await writeFile(join(objects, "info", "alternates"), `${join(gitDir, "objects")}\n`);
  const environment = { GIT_OBJECT_DIRECTORY: objects };

  const makeTree = async (side: keyof BlobPair): Promise<string> => {
    const input = pairs
      .map((pair, index) => (pair[side] === null ? "" : entryOf(pair[side], index)))
      .join("");
    const { stdout } = await git(gitDir, ["mktree", "-z"], { signal, environment, input });
    return stdout.toString("utf8").trim();
  };
  const flags = ["-r", "-p", "-U0", "--text", "--no-renames", "--no-color", "--no-ext-diff"];
  const { stdout, isCut } = await git(
    gitDir,
    ["diff-tree", ...flags, "--no-textconv", await makeTree("before"), await makeTree("after")],
    { signal, environment, bytesMax: limits.diffBytesMax, overflow: "cut" },
  );
  return { diffs: split(stdout.toString("utf8"), isCut), isCut };
}

const DIGITS = 8;

function entryOf(id: string, index: number): string {
  return `100644 blob ${id}\t${String(index).padStart(DIGITS, "0")}\0`;
}

/**
 * Lines of content begin with a sign, so that a header is known by having none. A line ends at
 * a newline alone: what else JavaScript takes for an end may stand in a line of content.
 */
function split(text: string, isCut: boolean): Map<number, ParsedDiff> {
  const sections = text
    .split("\ndiff --git ")
    .map((section, index) => (index === 0 ? section : `diff --git ${section}`));
  // The last one may lack its end.
  const whole = isCut ? sections.slice(0, -1) : sections;
  return new Map(
    whole.flatMap((section) => {
      const index = /^diff --git a\/(\d+) /.exec(section)?.[1];
      return index === undefined ? [] : [[Number(index), parseDiff(section)]];
    }),
  );
}
