import type { ChangedFile, DiffLine } from "../change-set.ts";

/** What a changed file was and is, as far as it is known. */
export type Side = {
  /** Whole content, or only the lines that went or came. */
  readonly isWhole: boolean;
  readonly lines: readonly DiffLine[];
};

export type Sides = { readonly old: Side; readonly new: Side };

/** A line is cut here for the patterns: longer ones are generated or data. */
const LINE_CHARS_MAX = 1_000;

const NOTHING: Side = { isWhole: true, lines: [] };

/**
 * Both sides of a file. Of a file that came or went, every line is in the diff: the lines of
 * a new file are counted even where the diff has no headers to count from.
 */
export function sidesOf(file: ChangedFile): Sides {
  if (file.isBinary) return { old: NOTHING, new: NOTHING };
  const whole = file.changeType === "added" ? file.added : null;
  return {
    old: sideOf(file.before, file.removed, null),
    new: sideOf(file.after, file.added, whole),
  };
}

function sideOf(
  content: string | null,
  changed: readonly DiffLine[],
  whole: readonly DiffLine[] | null,
): Side {
  if (content !== null) return { isWhole: true, lines: linesIn(content) };
  const counted = whole?.map(({ line, text }, index) => ({ line: line ?? index + 1, text }));
  return { isWhole: false, lines: (counted ?? changed).map(bounded) };
}

function linesIn(content: string): DiffLine[] {
  return content.split(/\r?\n/).map((text, index) => bounded({ line: index + 1, text }));
}

function bounded({ line, text }: DiffLine): DiffLine {
  return { line, text: text.length > LINE_CHARS_MAX ? text.slice(0, LINE_CHARS_MAX) : text };
}

/** The text of a side, for what spans lines. */
export function textOf(side: Side): string {
  return side.lines.map(({ text }) => text).join("\n");
}

/** Tells on which line an offset into the side's text falls; null where it has no number. */
export function lineFinder(side: Side): (offset: number) => number | null {
  const starts: number[] = [];
  let start = 0;
  for (const { text } of side.lines) {
    starts.push(start);
    start += text.length + 1;
  }
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return side.lines[low]?.line ?? null;
  };
}
