import { readdirSync } from "node:fs";
import { join } from "node:path";
import semver from "semver";
import { LIMITS } from "../../facts/limits.ts";
import { displayText } from "../../facts/result.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackagePair } from "./installed.ts";

/** What packages call the file that says what their releases changed, as npm and its users do. */
const NOTES_FILE =
  /^(?:change[-_ ]?log|history|changes|releases?|release[-_ ]?notes)(?:\.(?:md|markdown|mkd|txt|rst))?$/i;

/** Names of a folder that are looked at. */
const NAMES_MAX = 1_000;

/** What a release says of itself: the file, and its lines as one text. */
type ReleaseNotes = { readonly file: string; readonly text: string };

/**
 * The notes of the versions after the old one up to the new one, as the new version ships them,
 * cut to LIMITS.notesMax; null if it ships none. Strangers' words.
 */
export function releaseNotes(pair: PackagePair): ReleaseNotes | null {
  const notes = linesOf(pair);
  if (notes === null || notes.lines.length === 0) return null;
  const [grave, others] = [true, false].map((isGrave) =>
    notes.lines.filter((line) => line.isGrave === isGrave),
  );
  const lines = [...(grave ?? []), ...(others ?? [])].map(({ text }) => plainLine(text));
  const text = lines.filter((line) => line !== "").join(" ");
  return { file: notes.file, text: displayText(text, LIMITS.notesMax) };
}

/** What a release says that it changed for whoever uses it, a line each. */
type Announced = {
  readonly file: string;
  readonly lines: readonly string[];
  /** Whether there are such lines, and all are of Node, formats, types or dependencies. */
  readonly isOfPlatformAlone: boolean;
};

/**
 * The lines of the notes that announce what breaks: those below a heading that says so, and of a
 * release that may break, all that changes or goes away. Null if no notes are shipped.
 */
export function announcedChanges(pair: PackagePair): Announced | null {
  const notes = linesOf(pair);
  if (notes === null) return null;
  const lines = notes.lines
    .filter(({ isCode }) => !isCode)
    .filter(
      ({ isGrave, isOfStep, text }) =>
        isGrave || (isChange(text) && (isOfStep || CHANGED_DEFAULT.test(text))),
    )
    .map(({ text }) => text.trim().slice(0, LINE_MAX));
  return {
    file: notes.file,
    lines,
    isOfPlatformAlone: lines.length > 0 && lines.every(isOfPlatform),
  };
}

/** Characters of a line that are looked at. */
const LINE_MAX = 500;

const CHANGE =
  /\b(?:breaking|remov|renam|drop|no longer|must|requir|chang|becomes?|now|replac|throw|default|instead|return|ignor|not)/i;
/** Said of a minor as well, it breaks who relies on it. */
const CHANGED_DEFAULT = /\bchanged? (?:the )?defaults?\b/i;
const ADDITION = /^[\s*-]*(?:add|allow|support|fix|improve|introduce|document|update|test|bump)/i;

function isChange(line: string): boolean {
  const text = line.replace(LEAD, "");
  return CHANGE.test(text) && !ADDITION.test(text) && !OFFER.test(text);
}

/** Marks, and links to where it was changed, before what was. */
// unproven pattern -- its two ways begin with other characters, and a link has a bound
const LEAD = /^(?:[\s*#-]|\[#\d{1,9}\]\([^()\s]{1,200}\))*/;

/** What can be given from now on, and need not be. */
const OFFER = /\b(?:now|also) (?:takes?|accepts?|supports?|allows?)\b|\boptional\b/i;

const PLATFORM =
  /\b(?:node|nodejs|engines?|npm|bower|browsers?|ie|esm|es modules?|commonjs|typescript|typings?|types|deps?|dependency|dependencies|platforms?|license)\b/i;

/** By what it says itself: a link leads to `github.com/nodejs/…` whatever it is about. */
function isOfPlatform(line: string): boolean {
  return PLATFORM.test(line.replace(/\]\([^()]*\)|\b[a-z]+:\/\/\S+/gi, "]"));
}

type NotesLine = {
  readonly text: string;
  /** Whether it, or the heading above it, says that it breaks something. */
  readonly isGrave: boolean;
  /** Whether it is an example between fences. */
  readonly isCode: boolean;
  /** Whether it is of a release that may break, and not below a heading of fixes and the like. */
  readonly isOfStep: boolean;
};

/** The lines below headings of the versions in between. */
function linesOf({ from, to }: PackagePair): { file: string; lines: NotesLine[] } | null {
  const fence = new Fence([to.directory], { bytesMax: LIMITS.fileBytesMax });
  const read = notesFiles(to.directory).flatMap((file) => {
    const whole = fence.readFile(join(to.directory, file)) ?? "";
    const text = README.test(file) ? notesSection(whole) : whole;
    const lines = linesBetween(text, from.manifest.version, to.manifest.version);
    return text === "" ? [] : [{ file, lines }];
  });
  // One that was given up for another still lies there.
  return read.find(({ lines }) => lines.length > 0) ?? read[0] ?? null;
}

function notesFiles(directory: string): string[] {
  const names = readdirSync(directory).slice(0, NAMES_MAX);
  const [notes, readme] = [NOTES_FILE, README].map((known) =>
    names.filter((name) => known.test(name)).toSorted(),
  );
  return [...(notes ?? []), ...(readme ?? [])];
}

const README = /^readme(?:\.(?:md|markdown|mkd|txt|rst))?$/i;

/** The section of a README that has the notes, `## Release notes`; "" for none. */
function notesSection(text: string): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => NOTES_HEADING.test(line));
  if (start === -1) return "";
  const level = marksBefore(lines[start] ?? "");
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => {
    const own = marksBefore(line);
    return own > 0 && own <= level && headingVersion(line) === null;
  });
  return rest.slice(0, end === -1 ? rest.length : end).join("\n");
}

const NOTES_HEADING =
  /^#{1,4}\s{1,5}(?:change[- ]?log|changes|release[- ]notes|releases|(?:release|version)[- ]history|history)\W{0,20}$/i;

/** `##`: 2. */
function marksBefore(line: string): number {
  return /^#{0,6}/.exec(line)?.[0].length ?? 0;
}

function linesBetween(text: string, before: string, after: string): NotesLine[] {
  const lines: NotesLine[] = [];
  let isIncluded = false;
  let isStep = false;
  let heading = "";
  let isCode = false;
  const firsts = firstsOfMajors(text.split("\n").flatMap((line) => headingVersion(line) ?? []));
  for (const line of text.split("\n")) {
    const isFence = /^\s*(?:```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    const version = isCode ? null : headingVersion(line);
    if (version !== null) {
      isIncluded = isBetween(version, before, after);
      isStep = isIncluded && (mayBreakIn(version) || firsts.has(version));
      heading = "";
    } else if (!isCode && isHeading(line)) heading = line;
    else if (isIncluded && line.trim() !== "") {
      const isGrave = /breaking/i.test(heading) || /breaking/i.test(line);
      const isOfStep = isStep && !GENTLE.test(heading);
      lines.push({ text: line, isGrave, isCode: isCode || isFence, isOfStep });
    }
  }
  return lines;
}

const GENTLE = /\b(?:fix|bug|feature|add|chore|doc|perf|build|ci|test|refactor|internal|depend)/i;

/** `5.0.1` where no `5.0.0` is told of: the first that tells of a major. */
function firstsOfMajors(versions: readonly string[]): Set<string> {
  const firsts = new Map<number, string>();
  for (const version of versions) {
    const major = semver.major(version);
    const known = firsts.get(major);
    if (known === undefined || semver.lt(version, known)) firsts.set(major, version);
  }
  return new Set([...firsts.values()].filter((version) => semver.minor(version) === 0));
}

/** `2.0.0` and what led to it, in 0.x `0.2.0`. */
function mayBreakIn(version: string): boolean {
  const { major, minor, patch } = semver.parse(version) ?? { major: 0, minor: 1, patch: 1 };
  return patch === 0 && (minor === 0 || major === 0);
}

/** `### Fixes`, or a line that is bold as a whole; `**BREAKING** remove x` is a line of notes. */
function isHeading(line: string): boolean {
  if (line.startsWith("#")) return true;
  const end = line.startsWith("**") ? line.indexOf("**", 2) : -1;
  return end > 2 && !/[\p{L}\p{N}`]/u.test(line.slice(end + 2));
}

/** `## [2.0.0] - 2024-01-01`, `2.0.0 / 2024-01-01`, `# v2`. */
function headingVersion(line: string): string | null {
  if (!/^(?:#|\*\*|\[?v?\d+\.\d+)/i.test(line)) return null;
  const found = /v?(\d+(?:\.\d+){0,2}(?:-[\w.]+)?)/i.exec(line.slice(0, HEADING_MAX))?.[1];
  if (found === undefined) return null;
  const [major = "0", minor = "0", patch = "0"] = found.split(".");
  return semver.valid([major, minor, patch].join(".")) ?? semver.valid(found);
}

/** Characters of a heading in which its version stands. */
const HEADING_MAX = 60;

function isBetween(version: string, before: string, after: string): boolean {
  if (semver.valid(before) === null || semver.valid(after) === null) return false;
  return semver.gt(version, before) && semver.lte(version, after);
}

/** Without the marks of lists, quotes and headings before it, and without those of its lead-in. */
function plainLine(line: string): string {
  const marks = /^[\s#>*-]*/.exec(line)?.[0] ?? "";
  // Stars at the end of the marks are emphasis, as no space follows them.
  let start = marks.length;
  while (marks[start - 1] === "*") start--;
  const text = line.slice(start);
  return withoutEmphasis(text).replaceAll(/\s+/g, " ").trim();
}

/** `**BREAKING** x` as `BREAKING x`; a mark without an end goes alone. */
function withoutEmphasis(text: string): string {
  const mark = /^(?:\*+|_+)/.exec(text)?.[0] ?? "";
  const rest = text.slice(mark.length);
  if (mark === "") return text;
  const end = rest.indexOf(mark);
  // `__proto__` is a name.
  const isName = mark.startsWith("_") && (end === -1 || /^\w+$/.test(rest.slice(0, end)));
  if (isName) return text;
  return end === -1 ? rest : rest.slice(0, end) + rest.slice(end + mark.length);
}
