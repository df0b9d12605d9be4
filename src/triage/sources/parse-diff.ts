import type { ChangeType, DiffLine } from "../facts/change-set.ts";

/** What the diff of one file says. */
export type ParsedDiff = {
  readonly added: readonly DiffLine[];
  readonly removed: readonly DiffLine[];
  readonly isBinary: boolean;
  /** What its headers say happened to the file, and its path before and after; else null. */
  readonly changeType: ChangeType | null;
  readonly oldPath: string | null;
  readonly newPath: string | null;
  /** Whether it ends before a hunk has all the lines that its header promises. */
  readonly isIncomplete: boolean;
};

/**
 * Parse the diff of one file: a unified diff with or without headers, or nothing but lines
 * with a sign, whose numbers are then null. What follows as the diff of another file is
 * ignored. Never throws.
 */
export function parseDiff(text: string): ParsedDiff {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  const bodyAt = lines.findIndex((line, at) => HUNK.test(line) || isUnheaded(lines, at));
  const heads = headsOf(bodyAt === -1 ? lines : lines.slice(0, bodyAt));
  const body = bodyAt === -1 ? [] : lines.slice(bodyAt);
  return { ...heads, ...(HUNK.test(body[0] ?? "") ? hunksOf(body) : signedOf(body)) };
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
const NEXT_FILE = /^diff --git /;

/** A line of content before any hunk. The headers `--- a` and `+++ b` come as a pair. */
function isUnheaded(lines: readonly string[], at: number): boolean {
  const isPair = (first: number): boolean =>
    lines[first]?.startsWith("--- ") === true && lines[first + 1]?.startsWith("+++ ") === true;
  return /^[+-]/.test(lines[at] ?? "") && !isPair(at) && !isPair(at - 1);
}

type Heads = Omit<ParsedDiff, "added" | "removed" | "isIncomplete">;

function headsOf(lines: readonly string[]): Heads {
  const after = (pattern: RegExp): string | null => {
    const found = lines.map((line) => pattern.exec(line)?.[1]).find((path) => path !== undefined);
    return found ?? null;
  };
  const before = pathIn(after(/^--- (.+)$/), "a/");
  const next = pathIn(after(/^\+\+\+ (.+)$/), "b/");
  const renamedFrom = pathIn(after(/^rename from (.+)$/), "");
  const isNew = lines.some((line) => /^(?:new file mode |--- \/dev\/null$)/.test(line));
  const isGone = lines.some((line) => /^(?:deleted file mode |\+\+\+ \/dev\/null$)/.test(line));
  const told: readonly [boolean, ChangeType][] = [
    [isNew, "added"],
    [isGone, "deleted"],
    [renamedFrom !== null, "renamed"],
  ];
  return {
    isBinary: lines.some((line) => /^(?:Binary files .* differ|GIT binary patch)$/.test(line)),
    changeType: told.find(([holds]) => holds)?.[1] ?? null,
    oldPath: renamedFrom ?? before,
    newPath: pathIn(after(/^rename to (.+)$/), "") ?? next,
  };
}

/** A path of a header. git quotes strange ones, and others put a tab and a time behind. */
function pathIn(given: string | null, prefix: string): string | null {
  if (given === null || given === "/dev/null") return null;
  const path = given.startsWith('"') ? unquoted(given) : (given.split("\t")[0] ?? given);
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** git writes bytes above ASCII as three octal digits each. */
function unquoted(quoted: string): string {
  const bytes = quoted
    .slice(1, -1)
    .replaceAll(/\\([0-7]{3}|.)/g, (_, escape: string) =>
      escape.length === 3
        ? String.fromCharCode(Number.parseInt(escape, 8))
        : (ESCAPES[escape] ?? escape),
    );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

type Body = Pick<ParsedDiff, "added" | "removed" | "isIncomplete">;

/** Counted by what each hunk's header promises, so that a line `-- x` is no header. */
function hunksOf(lines: readonly string[]): Body {
  const added: DiffLine[] = [];
  const removed: DiffLine[] = [];
  let [oldLine, oldLeft, newLine, newLeft] = [0, 0, 0, 0];
  for (const line of lines) {
    const text = line.slice(1);
    if (oldLeft === 0 && newLeft === 0) {
      if (NEXT_FILE.test(line)) break;
      const [, oldStart, oldCount = "1", newStart, newCount = "1"] = HUNK.exec(line) ?? [];
      if (oldStart === undefined) continue;
      [oldLine, oldLeft] = [Number(oldStart), Number(oldCount)];
      [newLine, newLeft] = [Number(newStart), Number(newCount)];
    } else if (line.startsWith("+")) {
      added.push({ line: newLine++, text });
      newLeft = Math.max(0, newLeft - 1);
    } else if (line.startsWith("-")) {
      removed.push({ line: oldLine++, text });
      oldLeft = Math.max(0, oldLeft - 1);
    } else if (!line.startsWith("\\")) {
      [oldLine, newLine] = [oldLine + 1, newLine + 1];
      [oldLeft, newLeft] = [Math.max(0, oldLeft - 1), Math.max(0, newLeft - 1)];
    }
  }
  return { added, removed, isIncomplete: oldLeft > 0 || newLeft > 0 };
}

function signedOf(lines: readonly string[]): Body {
  const end = lines.findIndex((line) => NEXT_FILE.test(line));
  const own = end === -1 ? lines : lines.slice(0, end);
  const linesWith = (sign: string): DiffLine[] =>
    own
      .filter((line) => line.startsWith(sign))
      .map((line) => ({ line: null, text: line.slice(1) }));
  return { added: linesWith("+"), removed: linesWith("-"), isIncomplete: false };
}
