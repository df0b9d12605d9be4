import { join } from "node:path";
import semver from "semver";
import { LIMITS } from "../../facts/limits.ts";
import { displayText } from "../../facts/result.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackagePair } from "./installed.ts";

/** Where packages ship what their releases say, as npm and its users call it. */
const FILES = [
  "CHANGELOG.md",
  "Changelog.md",
  "changelog.md",
  "CHANGELOG",
  "HISTORY.md",
  "History.md",
  "history.md",
  "CHANGES.md",
  "RELEASES.md",
];

/** What a release says of itself: the file, and its lines as one text. */
type ReleaseNotes = { readonly file: string; readonly text: string };

/**
 * The notes of the versions after the old one up to the new one, as the new version ships them,
 * cut to LIMITS.notesMax; null if it ships none. Strangers' words.
 */
export function releaseNotes({ from, to }: PackagePair): ReleaseNotes | null {
  const fence = new Fence([to.directory], { bytesMax: LIMITS.fileBytesMax });
  for (const file of FILES) {
    const text = fence.readFile(join(to.directory, file));
    if (text === undefined) continue;
    const lines = linesBetween(text, from.manifest.version, to.manifest.version);
    return lines.length === 0
      ? null
      : { file, text: displayText(lines.join(" "), LIMITS.notesMax) };
  }
  return null;
}

/** Lines below headings of these versions, those of breaking changes first. */
function linesBetween(text: string, before: string, after: string): string[] {
  const lines: string[] = [];
  const grave: string[] = [];
  let isIncluded = false;
  let isGrave = false;
  for (const line of text.split("\n")) {
    const version = headingVersion(line);
    if (version !== null) {
      isIncluded = isBetween(version, before, after);
      isGrave = false;
    } else if (isHeading(line)) isGrave = /breaking/i.test(line);
    else if (isIncluded && line.trim() !== "")
      (isGrave || /breaking/i.test(line) ? grave : lines).push(plainLine(line));
  }
  return [...grave, ...lines].filter((line) => line !== "");
}

function isHeading(line: string): boolean {
  return line.startsWith("#") || line.startsWith("**");
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

function plainLine(line: string): string {
  return line
    .replace(/^[\s#>*-]+/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
