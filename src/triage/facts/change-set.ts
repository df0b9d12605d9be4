import type { Trigger } from "./finding.ts";

export const CHANGE_TYPES = ["added", "modified", "deleted", "renamed"] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** A line of a diff. `line` counts from 1; null where the diff has no headers to count from. */
export type DiffLine = { readonly line: number | null; readonly text: string };

/** One file of a change. Paths are relative to the root of the repository, with slashes. */
export type ChangedFile = {
  readonly path: string;
  /** Where it was before, if it was renamed; else null. */
  readonly oldPath: string | null;
  readonly changeType: ChangeType;
  /** Whole contents, where they are known: git mode knows them, payload mode does not. */
  readonly before: string | null;
  readonly after: string | null;
  /** Lines that came, counted in the new file, and that went, counted in the old one. */
  readonly added: readonly DiffLine[];
  readonly removed: readonly DiffLine[];
  readonly isBinary: boolean;
};

/** What changed in a provider or a template, wherever that is known from. */
export type ChangeSet = {
  readonly mode: "git" | "payload";
  /** Commits, or what the producer of the event called them. */
  readonly baseSha: string;
  readonly headSha: string;
  readonly message: string;
  /** Sorted by path; without generated and vendored files, but with lockfiles. */
  readonly files: readonly ChangedFile[];
  /** Whether a producer cut diffs off. */
  readonly truncated: boolean;
  /** Names of the caps that cut something off. */
  readonly capsHit: readonly string[];
};

/** What changed, as a result tells it. */
export type ChangedSource = {
  readonly mode: "git" | "npm" | "payload";
  /** The package, or the repository of a service. */
  readonly name: string;
  /** What happened, for people: `p-retry 6.2.1 → 7.1.1`. */
  readonly change: string;
  /** How people can see for themselves. */
  readonly verify: string;
  readonly baseSha: string;
  readonly headSha: string;
  /** Concerns that the producer of the event names; they decide nothing. */
  readonly named: readonly Trigger[];
  /** sha256 of what the shas do not stand for; null if they stand for all of it. */
  readonly payloadHash: string | null;
};

/** What a changed file was and is, as far as it is known. */
export type Side = {
  /** Whole content, or only the lines that went or came. */
  readonly isWhole: boolean;
  readonly lines: readonly DiffLine[];
};

type Sides = { readonly old: Side; readonly new: Side };

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
export function sideText(side: Side): string {
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
