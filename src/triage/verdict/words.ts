import { counted } from "../../index.ts";
import type { Analysis, Exposure } from "../facts/analysis.ts";
import type { ChangedSource } from "../facts/change-set.ts";
import type { Diagnostic, Finding, Hit, Location } from "../facts/finding.ts";
import type { Verdict } from "./judge.ts";
import { withRenames } from "./renames.ts";
import { serviceSentence } from "./service-words.ts";
import { code, shownMessage, shownName, signatureOf, withShownName } from "./shown.ts";

/** What the words are about. */
export type ConsumerCase = {
  readonly source: ChangedSource;
  readonly target: string;
  readonly analysis: Analysis;
  readonly verdict: Verdict;
};

/** Findings that the consumer should act on: those that may break something it may use. */
export function actionable({ analysis }: ConsumerCase): Hit[] {
  return analysis.hits.filter(
    ({ finding, usage }) => finding.breaking !== "no" && usage !== "none",
  );
}

/** One or two sentences: what happens to whom. */
export function impactSummary(about: ConsumerCase): string {
  const { source, target, analysis, verdict } = about;
  const change = withShownName(source.change, source.name);
  if (!verdict.requiresAction) return `${change} does not break ${target}. ${whyNot(about)}`;

  const hits = withRenames(actionable(about), analysis);
  const certain = hits.filter((hit) => hit.finding.breaking === "yes" && hit.usage === "confirmed");
  const headlines = (certain.length > 0 ? certain : hits).map((hit) =>
    headline(hit, analysis.diagnostics),
  );
  const named = [...new Set(headlines)].slice(0, NAMED_MAX);
  const verb = certain.length > 0 ? "breaks" : "may break";
  return `${conditionOf(about)}${change} ${verb} ${target}: ${named.join("; ")}.${when(analysis)}`;
}

const NAMED_MAX = 3;
const PLACES_MAX = 5;
const LINES_MAX = 30;

/**
 * First how to verify, then one line per finding with what the compiler says at its places,
 * then the compiler's other errors.
 */
export function recommendedChanges(about: ConsumerCase): string {
  if (!about.verdict.requiresAction) return "";
  const { analysis } = about;
  const named = new Set<Diagnostic>();
  const lines = [`Verify: ${about.source.verify}`];
  for (const { finding, hits } of [
    ...withRenames(actionable(about), analysis),
    ...explainedSteps(about),
  ]) {
    const errors = finding.breaking === "yes" ? errorsAt(hits, analysis.diagnostics) : [];
    const rest = errors.filter((error) => !named.has(error));
    for (const error of rest) named.add(error);
    const said = new Set(rest.map(errorText));
    lines.push([`${placed(hits)}${sentence(finding)}`, ...said].join("; "));
  }
  for (const error of analysis.diagnostics) {
    if (!named.has(error)) lines.push(`${place(error)} ${errorText(error)}`);
  }
  return numbered([...new Set(lines)]);
}

function numbered(lines: readonly string[]): string {
  const shown = lines.slice(0, LINES_MAX).map((line, index) => `${index + 1}. ${line}`);
  const left = lines.length - shown.length;
  return [...shown, ...(left > 0 ? [`… and ${left} more in evidence`] : [])].join("\n");
}

/** Whoever has something to do finds more about it in the release notes. */
function explainedSteps({ analysis }: ConsumerCase): Hit[] {
  return analysis.hits.filter(
    ({ finding, usage }) =>
      finding.rule === "pkg.version" && finding.breaking === "no" && usage !== "none",
  );
}

/** Which facts led to the verdict. */
export function reasoning(about: ConsumerCase): string {
  const { analysis } = about;
  const counts = (breaking: string): number =>
    analysis.hits.filter(({ finding }) => finding.breaking === breaking).length;
  return [
    `${counts("yes")} breaking, ${counts("maybe")} possibly breaking and ${counted(counts("no"), "harmless change")} found.`,
    `Usage of ${shownName(about.source.name)} by ${about.target}: ${analysis.usage}.`,
    ...exposureSentences(analysis),
    ...(about.source.named.length > 0
      ? [`Its producer names ${about.source.named.join(", ")}.`]
      : []),
    ...(analysis.isPayloadOnly ? ["Only the diffs of the event were read."] : []),
    ...(analysis.truncated ? ["Some of them were cut off."] : []),
    ...(analysis.degraded.length > 0 ? [`Less sure: ${analysis.degraded.join("; ")}.`] : []),
    ...(analysis.capsHit.length > 0 ? [`Cut off: ${analysis.capsHit.join(", ")}.`] : []),
  ].join(" ");
}

function whyNot({ analysis, source }: ConsumerCase): string {
  const breaking = analysis.hits.filter(({ finding }) => finding.breaking !== "no");
  if (breaking.length === 0) return "No breaking change was found.";
  if (analysis.usage === "none") return `It does not use ${shownName(source.name)}.`;
  return "It uses nothing that breaks.";
}

/** What the verdict hangs on, where nobody could find it out. */
function conditionOf({ verdict, source }: ConsumerCase): string {
  return verdict.grey ? `IF you use ${shownName(source.name)}: ` : "";
}

function when({ exposure }: Analysis): string {
  if (exposure?.satisfies !== false) return "";
  return ` The range ${exposure.range} excludes ${exposure.new}: it breaks on upgrade, not on next install.`;
}

function exposureSentences({ exposure, diagnostics }: Analysis): string[] {
  if (exposure === null) return [];
  const errors = `The compiler reports ${counted(diagnostics.length, "new error")} with ${exposure.new}.`;
  return [errors, rangeSentence(exposure)];
}

function rangeSentence(exposure: Exposure): string {
  if (exposure.range === null) return "Its package.json does not name the package.";
  if (exposure.satisfies === null)
    return `Its range ${exposure.range} says nothing of ${exposure.new}.`;
  const verb = exposure.satisfies ? "includes" : "excludes";
  const installed = exposure.resolved === exposure.new ? " It is on that version already." : "";
  return `Its range ${exposure.range} ${verb} ${exposure.new}.${installed}`;
}

/** Of the compiler's errors the first one tells most; the rest is in recommended_changes. */
function headline({ finding, hits }: Hit, errors: readonly Diagnostic[]): string {
  const first = hits[0];
  const error = finding.rule === "ts.signature" ? errorsAt(hits, errors)[0] : undefined;
  const said = error === undefined ? "" : `: ${shownMessage(error.message).replace(/\.$/, "")}`;
  const words = sentence(finding, { brief: true });
  return `${words}${first === undefined ? "" : ` (${place(first)})`}${said}`;
}

/** Where to look: whoever has to change a file wants its lines, and `affected_files` has none. */
function placed(hits: readonly Location[]): string {
  if (hits.length === 0) return "";
  const byPath = Map.groupBy(hits.slice(0, PLACES_MAX), ({ path }) => path);
  const places = [...byPath].map(
    ([path, found]) => `${path}:${found.map(({ line }) => line).join(",")}`,
  );
  const left = hits.length - PLACES_MAX;
  return `${places.join(", ")}${left > 0 ? ` (and ${left} more)` : ""} `;
}

function place({ path, line }: Location): string {
  return `${path}:${line}`;
}

function errorsAt(hits: readonly Location[], errors: readonly Diagnostic[]): Diagnostic[] {
  const places = new Set(hits.map(place));
  return errors.filter((error) => places.has(place(error)));
}

function errorText({ code: number, message }: Diagnostic): string {
  return `${number}: ${shownMessage(message)}`;
}

/** A finding in words. `brief` leaves out before and after. */
function sentence(finding: Finding, { brief = false } = {}): string {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use ${code(replacement)}`;
  const change = brief ? "" : changeText(before, after);
  switch (rule) {
    case "pkg.version":
      return `${shownName(subject)} steps from ${before} to ${after}: read its release notes`;
    case "triage.not_analysed":
      return `${shownName(subject)} could not be analysed within its limits: compare it yourself`;
    case "pkg.exports_removed":
      if (subject === "./*")
        return "files that `exports` does not list cannot be imported any more";
      return `the subpath ${code(subject)} cannot be imported any more`;
    case "pkg.types_removed":
      return `the type declarations of ${code(subject)} were removed`;
    case "pkg.bin_removed":
      return `the command ${code(subject)} was removed`;
    case "pkg.esm_only":
      return `${shownName(subject)} became ES modules only and cannot be loaded as CommonJS`;
    case "pkg.engines":
      return `${subject} ${after} is required, before ${before ?? "any"}`;
    case "pkg.peer_narrowed":
      return `the peer ${shownName(subject)} must be ${after}, before ${before ?? "none"}`;
    case "ts.export_removed":
    case "ts.member_removed":
    case "js.export_removed":
      return `${code(subject)} was removed${use}`;
    case "js.default_changed":
      return `the default of ${code(subject)} changed${changeText(before, after)}`;
    default:
      return serviceSentence(finding) ?? `${code(subject)} changed${change}`;
  }
}

/** Before and after, without bodies; empty where that leaves nothing that differs. */
function changeText(before: string | null, after: string | null): string {
  const [old, now] = [before, after].map((text) =>
    text === null ? "absent" : code(signatureOf(text)),
  );
  return old === now ? "" : `: ${old} → ${now}`;
}
