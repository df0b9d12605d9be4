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
import type { Verdict } from "./judge.ts";

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
  const { change } = source;
  if (!verdict.requiresAction) return `${change} does not break ${target}. ${whyNot(about)}`;

  const hits = actionable(about);
  const certain = hits.filter((hit) => hit.finding.breaking === "yes" && hit.usage === "confirmed");
  const named = (certain.length > 0 ? certain : hits)
    .slice(0, NAMED_MAX)
    .map((hit) => headline(hit, analysis.diagnostics));
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
  const told = new Set<Diagnostic>();
  const lines = [`Verify: ${about.source.verify}`];
  for (const { finding, hits } of [...actionable(about), ...explainedSteps(about)]) {
    const errors = finding.breaking === "yes" ? errorsAt(hits, analysis.diagnostics) : [];
    const untold = errors.filter((error) => !told.has(error));
    for (const error of untold) told.add(error);
    lines.push([`${placed(hits)}${sentence(finding)}`, ...untold.map(errorText)].join("; "));
  }
  for (const error of analysis.diagnostics) {
    if (!told.has(error)) lines.push(`${place(error)} ${errorText(error)}`);
  }
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
    `Usage of ${about.source.name} by ${about.target}: ${analysis.usage}.`,
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
  if (analysis.usage === "none") return `It does not use ${source.name}.`;
  return "It uses nothing that breaks.";
}

/** What the verdict hangs on, where nobody could find it out. */
function conditionOf({ verdict, source }: ConsumerCase): string {
  return verdict.grey ? `IF you use ${source.name}: ` : "";
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
  const error = isType ? errorsAt(hits, errors)[0] : undefined;
  const said = error === undefined ? "" : `: ${error.message.replace(/\.$/, "")}`;
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

function errorText({ code, message }: Diagnostic): string {
  return `${code}: ${message}`;
}

/** A finding in words. `brief` leaves out before and after. */
function sentence(finding: Finding, { brief = false } = {}): string {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use \`${replacement}\``;
  const change = brief ? "" : `: ${quoted(before)} → ${quoted(after)}`;
  switch (rule) {
    case "pkg.version":
      return `${subject} steps from ${before} to ${after}: read its release notes`;
    case "triage.not_analysed":
      return `${subject} could not be analysed within its limits: compare it yourself`;
    case "pkg.exports_removed":
      if (subject === "./*")
        return "files that `exports` does not list cannot be imported any more";
      return `the subpath \`${subject}\` cannot be imported any more`;
    case "pkg.types_removed":
      return `the type declarations of \`${subject}\` were removed`;
    case "pkg.bin_removed":
      return `the command \`${subject}\` was removed`;
    case "pkg.esm_only":
      return `${subject} became ES modules only and cannot be loaded as CommonJS`;
    case "pkg.engines":
      return `${subject} ${after} is required, before ${before ?? "any"}`;
    case "pkg.peer_narrowed":
      return `the peer ${subject} must be ${after}, before ${before ?? "none"}`;
    case "ts.export_removed":
    case "ts.member_removed":
    case "js.export_removed":
      return `\`${subject}\` was removed${use}`;
    case COMPILER_ERROR:
      return `\`${subject}\` does not compile any more`;
    case "js.default_changed":
      return `the default of \`${subject}\` changed from \`${before}\` to \`${after}\``;
    default:
      return serviceSentence(finding) ?? `\`${subject}\` changed${change}`;
  }
}

function quoted(text: string | null): string {
  return text === null ? "absent" : `\`${text}\``;
}

/** A finding in a service in words; null for a rule that is not about services. */
function serviceSentence(finding: Finding): string | null {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use \`${replacement}\``;
  switch (rule) {
    case "http.route_removed":
      return `\`${subject}\` was removed`;
    case "http.route_changed":
      return `\`${subject}\` is gone${use}`;
    case "http.param_required":
      return `\`${subject}\` must be sent${after === null ? "" : ` (${after})`}`;
    case "http.response_removed":
      return `\`${subject}\` was removed from the response`;
    case "http.auth_added":
      return authSentence(finding);
    case "env.added_required":
      return `the environment variable \`${subject}\` must be set`;
    case "env.added":
      return `the environment variable \`${subject}\` is read`;
    case "env.removed":
      return `the environment variable \`${subject}\` is not read any more`;
    case "env.renamed":
      return `the environment variable \`${subject}\` was renamed${use}`;
    case "deploy.port":
      return before === null
        ? `the service answers at port ${subject} as well`
        : `the service does not answer at port ${subject} any more${use}`;
    default:
      return null;
  }
}

function authSentence({ subject }: Finding): string {
  return subject === NO_HEADER
    ? "requests must carry a credential: send one, and keep it out of the code"
    : `requests must carry \`${subject}\`: send it, and keep its value out of the code`;
}

/** The subject of `http.auth_added` where nothing names the header. */
const NO_HEADER = "authentication";
