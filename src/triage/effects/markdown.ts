// Text of strangers in Markdown, for GitHub and Discord. Both act on what the Markdown comes out
// as: `\@team` still calls the team, and `\#1` still links. Only in code do they leave everything
// alone. So the rule is not what is dangerous, but what is not: plain words and numbers stand as
// they are, and everything else stands in code.
import { visibleLine, visibleText } from "../../index.ts";

/** A text as code, which nothing in it ends; empty for nothing. */
export function codeSpan(text: string): string {
  const shown = inert(visibleLine(text));
  return shown === "" ? "" : `\`${shown}\``;
}

/** Lines as a block of code, which nothing in it ends. */
export function codeBlock(text: string): string {
  return `\`\`\`text\n${inert(visibleText(text)).trim()}\n\`\`\``;
}

/**
 * Lines as a block of code in which every character stays; null for what Markdown would not keep
 * as it is (characters that are not seen, line ends of Windows), and for what could pass for the
 * mark by which an issue is found.
 */
export function exactBlock(text: string, language: string): string | null {
  if (visibleText(text) !== text || text.includes("<!-- triage-key")) return null;
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

/**
 * A text of several lines, at most `lengthMax` characters of Markdown. What our own words put
 * between backticks stays one piece of code; a list that is numbered stays one.
 */
export function markdownText(text: string, lengthMax: number): string {
  const lines = visibleText(text)
    .split("\n")
    .map((line) => line.trim());
  return fitted(
    lines.flatMap((line, index) => [...(index === 0 ? [] : ["\n"]), ...piecesOf(line)]),
    lengthMax,
  );
}

/** The same on one line. */
export function markdownLine(text: string, lengthMax: number): string {
  return fitted(piecesOf(visibleLine(text)), lengthMax);
}

/**
 * The name of a repository: as it is where it is `owner/name` in the letters that GitHub allows,
 * save those that Markdown reads; else as code.
 */
export function repositoryName(name: string): string {
  return /^[a-z\d][a-z\d-]*\/[a-z\d][a-z\d.-]*$/i.test(name) ? name : codeSpan(name);
}

/** Whole pieces only: half a piece of code would set free what stands in it. */
function fitted(pieces: readonly string[], lengthMax: number): string {
  let fitting = "";
  for (const [index, piece] of pieces.entries()) {
    const room = lengthMax - (index === pieces.length - 1 ? 0 : CUT.length);
    if (fitting.length + piece.length > room) return `${fitting.trimEnd()}${CUT}`;
    fitting += piece;
  }
  return fitting;
}

const CUT = " …";

/** The pieces of one line, with the blanks between them. */
function piecesOf(line: string): string[] {
  const [, number = "", rest = ""] = /^(\d{1,4}\. )?(.*)$/.exec(line) ?? [];
  // Between the first and the second backtick is code, and so on; an odd one opens nothing.
  const parts = rest.split("`");
  const isOdd = parts.length % 2 === 0;
  const pieces = parts.flatMap((part, index) =>
    index % 2 === 1 && !(isOdd && index === parts.length - 1) ? [codeSpan(part)] : wordsOf(part),
  );
  const [first = "", ...others] = pieces.filter((piece) => piece !== "");
  // Lists in lists in lists: each number would open a further one.
  const opened = /^\d+[.)]$/.test(first) ? codeSpan(first) : first;
  return separated([number, opened, ...others].filter((piece) => piece !== ""));
}

function wordsOf(text: string): string[] {
  return text.split(/(\s+)/).map((word) => (word.trim() === "" ? word && " " : wordOf(word)));
}

/** What stands before and behind a word as a matter of course. */
const OPENING = new Set(['"', "'", "(", "“", "‘", "«"]);
const CLOSING = new Set(['"', "'", ")", "”", "’", "»", ".", ",", ";", ":", "!", "?", "…"]);

function wordOf(word: string): string {
  let start = 0;
  while (OPENING.has(word.charAt(start))) start += 1;
  let end = word.length;
  while (end > start && CLOSING.has(word.charAt(end - 1))) end -= 1;
  return word.slice(0, start) + shownWord(word.slice(start, end)) + word.slice(end);
}

function shownWord(word: string): string {
  if (word === "-") return "\\-";
  return word === "" || isPlain(word) ? word : codeSpan(word);
}

/** Letters with marks, joined by hyphens or apostrophes; a number; a dash or an arrow. */
const WORD = /^\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*$/u;
const NUMBER = /^\d{1,6}(?:\.\d{1,6})*$/;
const SIGN = /^[–—→…·%]$/;
/** Letters that may be the name of a commit. */
const COMMIT = /[0-9a-f]{7}/i;

function isPlain(word: string): boolean {
  return (WORD.test(word) && !COMMIT.test(word)) || NUMBER.test(word) || SIGN.test(word);
}

/** Two pieces of code side by side would become one, with other ends. */
function separated(pieces: readonly string[]): string[] {
  return pieces.map((piece, index) =>
    piece.startsWith("`") && pieces[index - 1]?.endsWith("`") === true ? ` ${piece}` : piece,
  );
}

/**
 * Backticks would end the code; a comment could pass for the mark by which an issue is found.
 * As long as it was.
 */
function inert(text: string): string {
  return text.replaceAll("`", "'").replaceAll("<!--", "‹!--");
}
