import { counted } from "../../index.ts";
import type { Analysis, Exposure } from "../facts/analysis.ts";
import type { ChangedSource } from "../facts/change-set.ts";
import {
  COMPILER_ERROR,
  type Diagnostic,
  type Finding,
  type Hit,
  type Location,
} from "../facts/finding.ts";
import { mayBreak } from "../surface/manifest-findings.ts";
import type { Verdict } from "./judge.ts";
import { withRenames } from "./renames.ts";
import { serviceSentence } from "./service-words.ts";
import {
  code,
  shownMessage,
  shownName,
  shownSentence,
  signatureOf,
  withShownName,
} from "./shown.ts";

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
 * First how to verify, then what the compiler objects to with all of its errors, then other uses
 * that are seen, one line a finding; of the rest, where there is more to say than the limit
 * allows, a count. No limit hides an error.
 */
export function recommendedChanges(about: ConsumerCase): string {
  if (!about.verdict.requiresAction) return "";
  const { analysis } = about;
  const reported = new Set<Diagnostic>();
  const lineOf = ({ finding, hits }: Hit): string => {
    const errors = finding.breaking === "yes" ? errorsAt(hits, analysis.diagnostics) : [];
    const unreported = errors.filter((error) => !reported.has(error));
    for (const error of unreported) reported.add(error);
    const written = writtenAs(finding, unreported);
    const said = new Set(unreported.map(errorText));
    // Where the compiler objects is where to look first; a load that fails has a place of its own.
    const first = finding.rule.startsWith("ts.") ? unreported : [];
    const places = [...first, ...hits].map(({ path, line }) => ({ path, line }));
    return [`${placed(distinct(places))}${written}${sentence(finding)}`, ...said].join("; ");
  };
  const hits = withRenames(actionable(about), analysis);
  // A call that comes before all errors of its file stands before them.
  const firstError = hits.findIndex((hit) => isByCompiler(hit));
  const isCertain = (hit: Hit, index: number) => index < firstError || isByCompiler(hit);
  const proven = hits.filter(isCertain).map(lineOf);
  const others = analysis.diagnostics.filter((error) => !reported.has(error));
  const unreported = [...Map.groupBy(others, errorText)].map(
    ([text, alike]) => `${placed(alike)}${text}`,
  );
  const certain = [`Verify: ${about.source.verify}`, ...proven, ...unreported];
  const seen = hits.filter((hit, index) => !isCertain(hit, index) && hit.usage === "confirmed");
  const open = hits.filter(({ usage }) => usage !== "confirmed");
  const isMet = seen.length + proven.length > 0;
  const rest = [...seen, ...explainedSteps(about), ...(isMet ? [] : open)].map(lineOf);
  return numbered(certain, rest, isMet ? open.length : 0);
}

function isByCompiler({ finding }: Hit): boolean {
  return finding.proof?.by === "compiler";
}

/** Each line once: all that is certain, and of the rest as many as there is room for. */
function numbered(certain: readonly string[], rest: readonly string[], unlisted: number): string {
  const lines = [...new Set(certain)];
  const others = [...new Set(rest)].filter((line) => !lines.includes(line));
  const room = Math.max(LINES_MAX - lines.length, 0);
  const shown = [...lines, ...others.slice(0, room)].map((line, index) => `${index + 1}. ${line}`);
  const left = Math.max(others.length - room, 0) + unlisted;
  const count = left > 0 ? [`… and ${left} more that may matter, in evidence`] : [];
  return [...shown, ...count].join("\n");
}

/** What the person wrote at the errors, where the finding calls it otherwise. */
function writtenAs({ subject }: Finding, errors: readonly Diagnostic[]): string {
  const written = new Set(errors.flatMap((error) => error.subject ?? []));
  written.delete(subject);
  return written.size === 0 ? "" : `${[...written].map(code).join(", ")}: `;
}

/**
 * Whoever has something to do finds more about it in the release notes. What was compared without
 * a difference is not said beside what breaks.
 */
function explainedSteps({ analysis }: ConsumerCase): Hit[] {
  return analysis.hits
    .filter(
      ({ finding, usage }) =>
        finding.rule === "pkg.version" && finding.breaking === "no" && usage !== "none",
    )
    .map((hit) => ({ ...hit, finding: { ...hit.finding, compared: null } }));
}

/**
 * What breaks nobody and is worth knowing: an engine that is not stated, a major without a reason.
 */
function remarks({ analysis, verdict }: ConsumerCase): string[] {
  return analysis.hits
    .filter(
      ({ finding, usage }) => finding.breaking === "no" && usage !== "none" && isRemark(finding),
    )
    .filter(({ finding }) => !(verdict.requiresAction && finding.rule === "pkg.version"))
    .map(({ finding }) => `Note: ${sentence(finding)}.`);
}

function isRemark({ rule, own, before, after }: Finding): boolean {
  if (rule === "pkg.engines") return own === null;
  if (rule === "js.shape_changed") return true;
  return rule === "pkg.version" && before !== null && after !== null && mayBreak(before, after);
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
    ...remarks(about),
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
  const isType = finding.rule === "ts.signature" || finding.rule === COMPILER_ERROR;
  const error = isType && finding.breaking === "yes" ? errorsAt(hits, errors)[0] : undefined;
  const said = error === undefined ? "" : `: ${shownMessage(error.message).replace(/\.$/, "")}`;
  const words = sentence(finding, { brief: true });
  const written = error === undefined ? "" : writtenAs(finding, [error]);
  return `${written}${words}${first === undefined ? "" : ` (${place(first)})`}${said}`;
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

function distinct(places: readonly Location[]): Location[] {
  return [...new Map(places.map((one) => [place(one), one])).values()];
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
  switch (rule) {
    case "pkg.version":
      return versionSentence(finding, brief);
    case "triage.not_analysed":
      return `${shownName(subject)} could not be analysed within its limits: compare it yourself`;
    case "pkg.exports_removed":
      if (subject === "./*")
        return "files that `exports` does not list cannot be imported any more";
      return `the subpath ${code(finding.own ?? subject)} cannot be imported any more`;
    case "pkg.types_removed":
      return `the type declarations of ${code(subject)} were removed`;
    case "pkg.bin_removed":
      return `the command ${code(subject)} was removed`;
    case "pkg.esm_only":
      return `${shownName(subject)} is loaded by \`require\` and is ES modules only${reasonAfter(finding, brief)}`;
    case "pkg.engines":
    case "pkg.peer_narrowed":
      return requirementSentence(finding);
    case "js.shape_changed":
      return `${calledHere(finding)}what ${code(subject)} exports is not called as before: ${before} → ${after}`;
    case "ts.export_removed":
    case "ts.member_removed":
    case "js.export_removed":
      return `${code(subject)} was removed${use}`;
    case COMPILER_ERROR:
      return `${code(subject)} does not compile any more`;
    case "js.member_removed":
      return `no code of the new version has ${code(subject)}`;
    case "js.member_unknown":
      return `which member of ${code(subject)} is taken is worked out, and its members are not those that they were`;
    case "js.parameters_changed":
      return `${code(subject)} takes other parameters${brief ? "" : changeText(before, after)}`;
    case "js.new_changed":
      return `${calledHere(finding)}${code(subject)} is not called as before${brief ? "" : changeText(before, after)}`;
    case "js.option_removed":
      return `no code of the new version reads the option ${code(subject)}`;
    case "js.use_refused":
      return `${code(subject)} is refused${brief ? "" : `: ${shownSentence(after ?? "")}`}`;
    case "js.older_way":
      return `${calledHere(finding)}what was done before may be done by ${code(subject)} alone${brief ? "" : `: ${shownSentence(after ?? "")}`}`;
    case "js.use_announced":
      return `${calledHere(finding)}the notes of the release speak of ${code(subject)}${brief ? "" : ` (${shownSentence(after ?? "")})`}`;
    case "js.only_change":
      return `${calledHere(finding)}all that differs in the code is ${code(subject)}, which it leads to${brief ? "" : changeText(before, after)}`;
    case "js.default_changed":
      if (before === null) {
        return `${calledHere(finding)}${code(subject)} is new, and ${code(after ?? "")} unless something else is given`;
      }
      return after === null
        ? `${calledHere(finding)}no code of the new version has ${code(subject)}, which was ${code(before ?? "")} by default`
        : `${calledHere(finding)}the default of ${code(subject)} changed${changeText(before, after)}`;
    default:
      return (
        serviceSentence(finding) ??
        `${code(subject)} changed${brief ? "" : changeText(before, after)}`
      );
  }
}

/** What the consumer calls a thing, where that is not its own name. */
function calledHere({ own, subject }: Finding): string {
  return own === null || own === subject ? "" : `${code(own)}: `;
}

/** Before and after, without bodies; empty where that leaves nothing that differs. */
function changeText(before: string | null, after: string | null): string {
  const [old, now] = [before, after].map((text) =>
    text === null ? "absent" : code(signatureOf(text)),
  );
  return old === now ? "" : `: ${old} → ${now}`;
}

function versionSentence(finding: Finding, brief: boolean): string {
  const { subject, before, after, breaking, notes, compared } = finding;
  const step = `${shownName(subject)} steps from ${before} to ${after}`;
  if (brief) return step;
  const said = notes === null ? "read its release notes" : `its ${notes}`;
  const why = compared === null ? "" : `; ${compared}`;
  return breaking === "maybe"
    ? `${calledHere(finding)}${step} and runs other code${why}: run the tests that reach it here; ${said}`
    : `${step}${compared === null ? "" : ` for no reason that is seen${why}`}: ${said}`;
}

function requirementSentence({ rule, subject, before, after, own }: Finding): string {
  const what =
    rule === "pkg.engines" ? `${subject} ${after}` : `the peer ${shownName(subject)} ${after}`;
  const ours = own === null ? "this repository states none" : `this repository states ${own}`;
  return `${what} is required, before ${before ?? "any"}; ${ours}`;
}

function reasonAfter({ proof, after }: Finding, brief: boolean): string {
  if (brief) return "";
  const reason = proof?.by === "node" ? proof.text : after;
  return reason === null ? "" : ` (${reason})`;
}
