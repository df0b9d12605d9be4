import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY_LIMITS, TEMPLATE_LIMITS } from "../facts/limits.ts";
import { displayText } from "../facts/result.ts";
import { lineDiffs } from "../sources/git/diff.ts";
import { blobSizes, isBinary, readBlobs } from "../sources/git/read-objects.ts";
import type { ParsedDiff } from "../sources/parse-diff.ts";
import type { JoinedStore } from "./joined-store.ts";
import type { ConflictHunk, LineRange } from "./sync-facts.ts";

/** Three versions of a file, by the ids of their blobs. `base` null: an empty file. */
type MergeJob = {
  readonly ours: string;
  readonly base: string | null;
  readonly theirs: string;
};

export type Merged =
  /** `id` is that of the merged blob, in the store. */
  | { readonly outcome: "clean"; readonly id: string }
  /**
   * `text` has the conflicts between markers of MARKER_SIZE; `id` is its blob. `partId` is that of
   * the file with all that fits, and with our lines where the two sides conflict. `sides` are the
   * blobs that were merged, by which its lines are counted: those of the file, or the same lines
   * with another end.
   */
  | {
      readonly outcome: "conflict";
      readonly id: string;
      readonly text: string;
      readonly partId: string;
      readonly sides: Pick<MergeJob, "ours" | "theirs">;
    }
  | { readonly outcome: "binary" | "too_large" | "not_merged" };

/** Markers that no file has by itself. */
const MARKER_SIZE = 41;

/** Merge each by `git merge-file`. Beyond the limit they are not merged. */
export async function mergeFiles(
  store: JoinedStore,
  jobs: readonly MergeJob[],
  { mergesMax = TEMPLATE_LIMITS.mergesMax }: { readonly mergesMax?: number } = {},
): Promise<Merged[]> {
  if (jobs.length === 0) return [];
  const contents = await writeContents(store, jobs.slice(0, mergesMax));
  const folder = join(store.folder, "merged");
  await mkdir(folder, { recursive: true });

  const outputs = new Map<number, Output>();
  const results = jobs.map((job, index): Merged | null =>
    index >= mergesMax ? { outcome: "not_merged" } : unmergeable(job, contents),
  );
  const indexes = results.flatMap((result, index) => (result === null ? [index] : []));
  const mergeNext = async (): Promise<void> => {
    for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
      const job = jobs[index];
      if (job === undefined) continue;
      const path = join(folder, String(index));
      const merged = (await byOneEnd(store, job, contents)) ?? job;
      const { text, isClean } = await mergeOne(store, merged, CONFLICTS_MARKED);
      await writeFile(path, text);
      if (!isClean) await writeFile(partOf(path), (await mergeOne(store, merged, ["--ours"])).text);
      outputs.set(index, { path, isClean, merged });
    }
  };
  const lanes = Array.from({ length: TEMPLATE_LIMITS.mergesAtOnceMax }, mergeNext);
  await Promise.all(lanes);

  const paths = [...outputs.values()].flatMap(({ path, isClean, merged: { ours, theirs } }) =>
    isClean ? [path] : [path, partOf(path), contentPath(store, ours), contentPath(store, theirs)],
  );
  const ids = await hashAll(store, paths);
  const idOf = new Map(paths.map((path, index) => [path, ids[index] ?? ""]));
  for (const [index, { path, isClean, merged }] of outputs) {
    const id = idOf.get(path) ?? "";
    if (isClean) {
      results[index] = { outcome: "clean", id };
      continue;
    }
    const [partId = "", ours = "", theirs = ""] = [
      partOf(path),
      contentPath(store, merged.ours),
      contentPath(store, merged.theirs),
    ].map((one) => idOf.get(one));
    const text = await readFile(path, "utf8");
    results[index] = { outcome: "conflict", id, partId, text, sides: { ours, theirs } };
  }
  return results.map((result) => result ?? { outcome: "not_merged" });
}

type Output = { readonly path: string; readonly isClean: boolean; readonly merged: MergeJob };

/** Where the content of a blob lies, or of one that was brought to another end. */
function contentPath({ folder }: JoinedStore, id: string): string {
  return join(folder, "blobs", id);
}

function partOf(path: string): string {
  return `${path}.part`;
}

/**
 * Versions whose lines end otherwise (LF, CRLF), all brought to one end: the derivative's if it
 * has changed it, else the template's new one. Null where they end alike, or mixed.
 */
async function byOneEnd(
  store: JoinedStore,
  job: MergeJob,
  { ends }: Contents,
): Promise<MergeJob | null> {
  const [ours, base, theirs] = [job.ours, job.base ?? job.ours, job.theirs].map((id) =>
    ends.get(id),
  );
  if (ours === undefined || base === undefined || theirs === undefined) return null;
  if (ours === base && base === theirs) return null;
  const end = ours === base ? theirs : ours;
  const brought = async (id: string): Promise<string> => {
    if (ends.get(id) === end) return id;
    const text = await readFile(contentPath(store, id), "latin1");
    const name = `${id}.${end}`;
    const lf = text.replaceAll("\r\n", "\n");
    const content = end === "crlf" ? lf.replaceAll("\n", "\r\n") : lf;
    await writeFile(contentPath(store, name), content, "latin1");
    return name;
  };
  return {
    ours: await brought(job.ours),
    base: job.base === null ? null : await brought(job.base),
    theirs: await brought(job.theirs),
  };
}

/** How all lines of a text end; undefined where some end otherwise, or none does. */
function endOf(content: Buffer): "lf" | "crlf" | undefined {
  const text = content.toString("latin1");
  const all = text.split("\n").length - 1;
  const windows = text.split("\r\n").length - 1;
  if (all === 0) return undefined;
  return windows === 0 ? "lf" : windows === all ? "crlf" : undefined;
}

type Contents = {
  /** How the lines of a text end, by its id. */
  readonly ends: ReadonlyMap<string, "lf" | "crlf">;
  readonly binary: ReadonlySet<string>;
  readonly large: ReadonlySet<string>;
};

function unmergeable(job: MergeJob, { binary, large }: Contents): Merged | null {
  const ids = idsOf(job);
  if (ids.some((id) => large.has(id))) return { outcome: "too_large" };
  return ids.some((id) => binary.has(id)) ? { outcome: "binary" } : null;
}

/** Put the blobs into files that git merge-file can read, named by their ids. */
async function writeContents(store: JoinedStore, jobs: readonly MergeJob[]): Promise<Contents> {
  const { gitDir, signal } = store;
  const folder = join(store.folder, "blobs");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, EMPTY), "");
  const sizes = await blobSizes(gitDir, [...new Set(jobs.flatMap(idsOf))], { signal });
  const known = [...sizes].map(([id, size]) => ({ id, size }));
  const small = known.filter(({ size }) => size <= REPOSITORY_LIMITS.fileBytesMax);
  const binary = new Set<string>();
  const ends = new Map<string, "lf" | "crlf">();
  for await (const batch of readBlobs(gitDir, small, { signal })) {
    for (const [id, content] of batch) {
      if (isBinary(content)) {
        binary.add(id);
        continue;
      }
      await writeFile(join(folder, id), content);
      const end = endOf(content);
      if (end !== undefined) ends.set(id, end);
    }
  }
  const written = new Set(small.map(({ id }) => id));
  return { binary, ends, large: new Set(jobs.flatMap(idsOf).filter((id) => !written.has(id))) };
}

const EMPTY = "empty";

function idsOf({ ours, base, theirs }: MergeJob): string[] {
  return [ours, theirs, ...(base === null ? [] : [base])];
}

/** git tells the number of conflicts by its exit code. */
const EXIT_CODES = Array.from({ length: 128 }, (_, code) => code);

const CONFLICTS_MARKED = ["--diff3", `--marker-size=${MARKER_SIZE}`];

async function mergeOne(
  store: JoinedStore,
  { ours, base, theirs }: MergeJob,
  flags: readonly string[],
) {
  const fileOf = (id: string) => contentPath(store, id);
  const { stdout, exitCode } = await store.run(
    [
      "merge-file",
      "-p",
      "--quiet",
      ...flags,
      "--",
      fileOf(ours),
      fileOf(base ?? EMPTY),
      fileOf(theirs),
    ],
    { exitCodes: EXIT_CODES, bytesMax: 4 * REPOSITORY_LIMITS.fileBytesMax },
  );
  return { text: stdout, isClean: exitCode === 0 };
}

async function hashAll(store: JoinedStore, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${path}\n`).join("");
  const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"] as const;
  return (await store.line([...args], { input })).split("\n");
}

/** A merge that did not come out clean: the two sides, and the text with markers. */
export type Conflict = {
  readonly ours: string;
  readonly theirs: string;
  readonly id: string;
  readonly text: string;
};

type ConflictHunks = { readonly hunks: readonly ConflictHunk[]; readonly isCut: boolean };

/** Where each merge has its conflicts: the lines of either side, by their numbers there. */
export async function conflictHunks(
  store: JoinedStore,
  conflicts: readonly Conflict[],
): Promise<ConflictHunks[]> {
  if (conflicts.length === 0) return [];
  const pairs = conflicts.flatMap(({ ours, theirs, id }) => [
    { before: ours, after: id },
    { before: theirs, after: id },
  ]);
  const { diffs } = await lineDiffs(store.gitDir, pairs, {
    signal: store.signal,
    limits: REPOSITORY_LIMITS,
    scratchFolder: join(store.folder, "line-diffs"),
  });
  const allMarked = conflicts.map(({ text }) => markedIn(text));
  const { hunkTextMax, hunkTextsMax } = TEMPLATE_LIMITS;
  const count = Math.max(1, allMarked.flat().length);
  const textMax = Math.max(
    hunkTextMax,
    Math.min(HUNK_TEXT_USUAL, Math.floor(hunkTextsMax / (2 * count))),
  );
  return conflicts.map(({ text }, index) => {
    const marked = allMarked[index] ?? [];
    const inOurs = linesAlong(diffs.get(2 * index), text);
    const inTheirs = linesAlong(diffs.get(2 * index + 1), text);
    const hunks = marked.slice(0, TEMPLATE_LIMITS.hunksMax).map(({ ours, theirs }) => ({
      derivative: rangeOf(ours, inOurs),
      template: rangeOf(theirs, inTheirs),
      ours: displayText(ours.lines.join("\n"), textMax),
      theirs: displayText(theirs.lines.join("\n"), textMax),
    }));
    return { hunks, isCut: marked.length > hunks.length };
  });
}

/** Characters of one side of a hunk where there are few of them. */
const HUNK_TEXT_USUAL = 2_000;

/** Lines of the text with markers; `at` is the number of the first one, or of the marker. */
type Section = { readonly at: number; readonly lines: readonly string[] };
type Marked = { readonly ours: Section; readonly theirs: Section };

function marker(sign: string): string {
  return sign.repeat(MARKER_SIZE);
}

function markedIn(text: string): Marked[] {
  const found: Marked[] = [];
  let sections: { at: number; lines: string[] }[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const start = line.slice(0, MARKER_SIZE);
    const next = { at: index + 2, lines: [] };
    if (start === marker("<")) sections = [next];
    else if (start === marker("|") || start === marker("=")) sections.push(next);
    else if (start === marker(">")) {
      const [ours, , theirs] = sections;
      if (ours !== undefined && theirs !== undefined) found.push({ ours, theirs });
      sections = [];
    } else sections.at(-1)?.lines.push(line);
  }
  return found;
}

/** By the line of the text, that of the side; only lines that the side has. */
function linesAlong(diff: ParsedDiff | undefined, text: string): ReadonlyMap<number, number> {
  const lines = new Map<number, number>();
  if (diff === undefined) return lines;
  const added = new Set(diff.added.map(({ line }) => line));
  const removed = new Set(diff.removed.map(({ line }) => line));
  const count = text.split("\n").length;
  let sideLine = 1;
  for (let line = 1; line <= count; line++) {
    if (added.has(line)) continue;
    while (removed.has(sideLine)) sideLine++;
    lines.set(line, sideLine++);
  }
  return lines;
}

/** A side that has nothing there is told by the place between two lines. */
function rangeOf({ at, lines }: Section, along: ReadonlyMap<number, number>): LineRange {
  const own = lines.flatMap((_, index) => along.get(at + index) ?? []);
  const [first, last] = [own[0], own.at(-1)];
  if (first !== undefined && last !== undefined) return { start: first, end: last };
  let line = at - 1;
  while (line > 0 && !along.has(line)) line--;
  const before = along.get(line) ?? 0;
  // The last line of a file may end without an end of a line, and is another one with it.
  return { start: before + 1, end: before + lines.length };
}
