import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ParsedDiff, parseDiff } from "../event/parse-diff.ts";
import { git } from "./git.ts";
import type { DiffOptions } from "./raw-diff.ts";

/** Two blobs to hold against each other; null: there is none on that side. */
export type BlobPair = { readonly before: string | null; readonly after: string | null };

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
