import { join } from "node:path";
import type { ParsedDiff } from "../event/parse-diff.ts";
import { lineDiffs } from "../repository/line-diffs.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { ConflictHunk, LineRange } from "./disposition.ts";
import type { JoinedStore } from "./joined-store.ts";
import { MARKER_SIZE } from "./merge-files.ts";
import { shown } from "./shown.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

/** A merge that did not come out clean: the two sides, and the text with markers. */
export type Conflict = {
  readonly ours: string;
  readonly theirs: string;
  readonly id: string;
  readonly text: string;
};

export type ConflictHunks = { readonly hunks: readonly ConflictHunk[]; readonly isCut: boolean };

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
  return conflicts.map(({ text }, index) => {
    const marked = markedIn(text);
    const inOurs = placesOf(diffs.get(2 * index), text);
    const inTheirs = placesOf(diffs.get(2 * index + 1), text);
    const hunks = marked.slice(0, TEMPLATE_LIMITS.hunksMax).map(({ ours, theirs }) => ({
      derivative: rangeOf(ours, inOurs),
      template: rangeOf(theirs, inTheirs),
      ours: shown(ours.lines.join("\n"), TEMPLATE_LIMITS.hunkTextMax),
      theirs: shown(theirs.lines.join("\n"), TEMPLATE_LIMITS.hunkTextMax),
    }));
    return { hunks, isCut: marked.length > hunks.length };
  });
}

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
function placesOf(diff: ParsedDiff | undefined, text: string): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  if (diff === undefined) return places;
  const added = new Set(diff.added.map(({ line }) => line));
  const removed = new Set(diff.removed.map(({ line }) => line));
  const count = text.split("\n").length;
  let sideLine = 1;
  for (let line = 1; line <= count; line++) {
    if (added.has(line)) continue;
    while (removed.has(sideLine)) sideLine++;
    places.set(line, sideLine++);
  }
  return places;
}

/** A side that has nothing there is told by the place between two lines. */
function rangeOf({ at, lines }: Section, places: ReadonlyMap<number, number>): LineRange {
  const own = lines.flatMap((_, index) => places.get(at + index) ?? []);
  const [first, last] = [own[0], own.at(-1)];
  if (first !== undefined && last !== undefined) return { start: first, end: last };
  let line = at - 1;
  while (line > 0 && !places.has(line)) line--;
  const before = places.get(line) ?? 0;
  return { start: before + 1, end: before };
}
