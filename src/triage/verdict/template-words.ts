import { counted } from "../../index.ts";
import { displayText } from "../facts/result.ts";
import {
  applies,
  type ConflictHunk,
  needsHand,
  type SyncedFile,
  type SyncFacts,
} from "../template/sync-facts.ts";
import { conflictCommands, rangeText, shortSha } from "./conflict-text.ts";
import type { Verdict } from "./judge.ts";
import { code } from "./shown.ts";

/** What the words are about. */
export type TemplateCase = {
  readonly source: string;
  readonly target: string;
  readonly baseSha: string;
  readonly headSha: string;
  /** Where git gets the template from; null where only the worker knows it. */
  readonly fetchFrom: string | null;
  /** The derivative's commit, or the name of its files; "" where nobody knows them. */
  readonly targetSha: string;
  readonly facts: SyncFacts;
  readonly verdict: Verdict;
};

const NAMED_MAX = 3;
const LINES_MAX = 30;

/** One or two sentences: what the derivative gets, and what stands against it. */
export function syncSummary(about: TemplateCase): string {
  const { source, target, facts, verdict } = about;
  const change = `${source}@${shortSha(about.headSha)}`;
  if (!verdict.requiresAction) {
    return `${change} brings nothing to ${target}. ${whyNothing(facts.files)}`;
  }
  const taken = facts.files.filter(applies);
  const open = facts.files.filter(needsHand);
  if (taken.length + open.length === 0) {
    return `IF ${target} has not all of it: ${change} is too large to be compared with it.`;
  }
  const isSecurity = [...taken, ...open].some(({ intent }) => intent === "security");
  const parts = [
    ...(taken.length > 0 ? [`applies to ${counted(taken.length, "file")}: ${named(taken)}`] : []),
    ...(open.length > 0
      ? [`${verbFor(open)} ${counted(open.length, "file")}: ${named(open)}`]
      : []),
  ];
  const condition = open.some(isUnknown) && taken.length === 0 ? `IF ${target} has it not: ` : "";
  return `${condition}${isSecurity ? "Security: " : ""}${change} for ${target} ${parts.join("; it ")}.`;
}

/**
 * First how to apply the patch, then a line for each file that is left and how to merge those that
 * conflict, then how to verify it, and what of the change is left out.
 */
export function syncChanges(about: TemplateCase): string {
  const { target, facts, verdict } = about;
  if (!verdict.requiresAction) return "";
  const open = facts.files.filter(needsHand);
  const lines = [
    ...patchLines(about),
    ...open.map((file) => handLine(file, about)),
    ...mergeLines(conflictCommands(about, open)),
    ...facts.files
      .filter(({ disposition }) => disposition === "generated")
      .map(({ path }) => `${shownPath(path)} is generated: let the package manager write it again`),
    `Verify: run the tests of ${target} with it`,
    ...leftOutLines(about),
  ];
  const unique = [...new Set(lines)];
  const told = unique.slice(0, LINES_MAX).map((line, index) => `${index + 1}. ${line}`);
  const left = unique.length - told.length;
  return [...told, ...(left > 0 ? [`… and ${left} more in evidence`] : [])].join("\n");
}

function mergeLines(commands: readonly string[]): string[] {
  return commands.length === 0 ? [] : [`To merge by hand: ${commands.map(code).join(", then ")}`];
}

/** Why files of the change are neither in the patch nor left to a person. */
const LEFT_OUT: Partial<Record<SyncedFile["disposition"], string>> = {
  skipped_divergent: "the derivative goes its own way in it",
  skipped_strategy: "its sync_strategy leaves it out",
  missing: "the derivative has no such file",
  already_present: "the derivative has it already",
};

function leftOutLines({ facts }: TemplateCase): string[] {
  const groups = Map.groupBy(facts.files, ({ disposition }) => disposition);
  return Object.entries(LEFT_OUT).flatMap(([disposition, why]) => {
    const files = [...groups].find(([name]) => name === disposition)?.[1] ?? [];
    if (files.length === 0) return [];
    const shown = files.slice(0, LEFT_OUT_MAX).map(({ path, concern }) => {
      return concern === null ? shownPath(path) : `${shownPath(path)} (${concern})`;
    });
    const left = files.length - shown.length;
    return [`Left out, as ${why}: ${[...shown, ...(left > 0 ? [`${left} more`] : [])].join(", ")}`];
  });
}

const LEFT_OUT_MAX = 20;

/** A path that may be code or not: only what Markdown leaves alone stands as it is. */
function shownPath(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : code(path);
}

/** Which facts led to the verdict. */
export function syncReasoning({ source, target, facts }: TemplateCase): string {
  const counts = Map.groupBy(facts.files, ({ disposition }) => disposition);
  const told = [...counts].map(([disposition, files]) => `${files.length} ${disposition}`);
  const { mergeBase, behind, ported, ownChanges } = facts;
  return [
    told.length === 0
      ? "The change has no files."
      : `Of ${counted(facts.files.length, "file")}: ${told.toSorted().join(", ")}.`,
    ...(mergeBase === null ? [] : [`The histories met last at ${shortSha(mergeBase)}.`]),
    ...(behind > 0 ? [`${target} lacks ${counted(behind, "earlier commit")} of ${source}.`] : []),
    ...(ported.length > 0
      ? [`Ported before: ${ported.map(shortSha).slice(0, 5).join(", ")}.`]
      : []),
    ...(ownChanges === null
      ? []
      : [
          `${target} has ${counted(ownChanges.commits, "newer commit")} on the same files: ` +
            `whether ${source} should take them is asked in a task of its own.`,
        ]),
    ...(facts.isPayloadOnly ? ["Only the diffs of the event were read."] : []),
    ...(facts.truncated ? ["Some of them were cut off."] : []),
    ...(facts.degraded.length > 0 ? [`Less sure: ${facts.degraded.join("; ")}.`] : []),
    ...(facts.capsHit.length > 0 ? [`Cut off: ${facts.capsHit.join(", ")}.`] : []),
  ].join(" ");
}

/** What a person has to decide where the facts leave it open. */
export function syncQuestion({ source, target, headSha, facts }: TemplateCase): string {
  const open = facts.files.filter(needsHand);
  if (open.length === 0) {
    return `Should ${target} take ${source}@${shortSha(headSha)}, which is too large? (yes/no/ignore)`;
  }
  const what = open.some(isUnknown) ? "which could not be compared in" : "which conflicts in";
  const places = open.slice(0, NAMED_MAX).map((file) => displayText(placeOf(file), 120));
  const more =
    open.length > NAMED_MAX ? ` and ${counted(open.length - NAMED_MAX, "more file")}` : "";
  return (
    `Should ${target} take ${source}@${shortSha(headSha)}, ` +
    `${what} ${places.join(", ")}${more}? (yes/no/ignore)`
  );
}

function patchLines({ facts, target, targetSha }: TemplateCase): string[] {
  const taken = facts.files.filter((file) => applies(file) || file.isPartial);
  if (taken.length === 0) return [];
  const told = taken.slice(0, LINES_MAX - 10).map((file) => takenText(file));
  const left = taken.length - told.length;
  const files = [...told, ...(left > 0 ? [`${left} more`] : [])].join("; ");
  if (facts.patch === null) return [`Take over from the template: ${files}`];
  const at = targetSha.startsWith("tree:") ? "" : ` at ${shortSha(targetSha)}`;
  return [
    `Save sync.patch and apply it to ${target}${at}: ${code("git apply --index sync.patch")}. ` +
      `It changes ${files}`,
  ];
}

function takenText({ path, changes, since, isPartial }: SyncedFile): string {
  const all = since === null ? "" : `all changes of the template since ${shortSha(since)}`;
  const part = isPartial ? "but for what conflicts" : "";
  const said = [...(isPartial ? [] : changes), all, part].filter((text) => text !== "").join("; ");
  return said === "" ? shownPath(path) : `${shownPath(path)} (${said})`;
}

function handLine(file: SyncedFile, { source, headSha }: TemplateCase): string {
  const { path, templatePath, changes, rejects } = file;
  const from = `${source}@${shortSha(headSha)}:${templatePath}`;
  const why = changes.length === 0 ? "" : ` (${changes.join("; ")})`;
  if (file.disposition === "conflicts") {
    const diff = rejects === null ? "" : ", in hunks that do not fit";
    return `${placeOf(file)} conflicts with ${from}${templateLines(file.hunks)}${diff}${why}`;
  }
  if (file.disposition === "deleted") {
    const here = path === templatePath ? "is changed here" : "lies here by this name";
    return `${path} was deleted in the template, and ${here}: decide whether to keep it`;
  }
  if (file.disposition === "unknown") return `${path}: compare it with ${from}${why}`;
  return `${path} cannot be merged: compare it with ${from}`;
}

function placeOf({ path, hunks }: SyncedFile): string {
  const lines = hunks.slice(0, NAMED_MAX).map(({ derivative }) => rangeText(derivative));
  return lines.length === 0 ? path : `${path}:${lines.join(",")}`;
}

function templateLines(hunks: readonly ConflictHunk[]): string {
  const lines = hunks.slice(0, NAMED_MAX).map(({ template }) => rangeText(template));
  return lines.length === 0 ? "" : `:${lines.join(",")}`;
}

function named(files: readonly SyncedFile[]): string {
  const told = files.slice(0, NAMED_MAX).map((file) => {
    const more = file.changes.length - NAMED_MAX;
    const first = file.changes.slice(0, NAMED_MAX);
    const why = [...first, ...(more > 0 ? [`${more} more`] : [])].join("; ");
    return why === "" ? placeOf(file) : `${placeOf(file)} (${why})`;
  });
  const left = files.length - told.length;
  return [...told, ...(left > 0 ? [`${left} more`] : [])].join("; ");
}

function verbFor(open: readonly SyncedFile[]): string {
  if (open.every(isUnknown)) return "may concern";
  return open.every(({ disposition }) => disposition === "conflicts")
    ? "conflicts in"
    : "needs a person in";
}

function isUnknown({ disposition }: SyncedFile): boolean {
  return disposition === "unknown";
}

function whyNothing(files: readonly SyncedFile[]): string {
  const has = (disposition: SyncedFile["disposition"]) =>
    files.some((file) => file.disposition === disposition);
  if (files.length === 0) return "Nothing changed.";
  if (files.every(({ disposition }) => disposition === "already_present")) {
    return "It has all of it.";
  }
  if (files.every(({ disposition }) => disposition === "skipped_divergent")) {
    return "It goes its own way in all of it.";
  }
  if (files.some(needsHand) || files.some(applies)) return "A person has decided so.";
  const parts = [
    ...(has("already_present") ? ["it has some of it"] : []),
    ...(has("missing") ? ["it has not the files"] : []),
    ...(has("skipped_divergent") ? ["it goes its own way"] : []),
    ...(has("skipped_strategy") ? ["its sync_strategy leaves it out"] : []),
    ...(has("generated") ? ["lockfiles are generated"] : []),
  ];
  return `Of what changed ${parts.join(", ")}.`;
}
