import { z } from "zod";
import type { Analysis } from "../facts/analysis.ts";
import {
  type Diagnostic,
  type Finding,
  type Hit,
  stepDown,
  type Trigger,
  URGENCIES,
  type Urgency,
  type Usage,
  urgencyAtMost,
} from "../facts/finding.ts";
import type { UrgencyMapping } from "../relationships/file-schema.ts";
import { mayBreak } from "../surface/manifest-findings.ts";

/** What a consumer should make of one finding, or of all of them. */
export type Verdict = {
  readonly requiresAction: boolean;
  readonly urgency: Urgency;
  readonly confidence: number;
  /** Whether the facts leave it open, so that a person may be asked. */
  readonly grey: boolean;
};

const DEFAULT_URGENCY: Record<Trigger, Urgency> = {
  api_contract: "critical",
  authentication: "high",
  endpoints: "high",
  deployment: "medium",
  configuration: "medium",
};

/** Nothing found, or nothing that could matter. */
const NO_FINDING: Verdict = noAction(0.9);

/** The verdict on all findings: that on the gravest, less sure where the facts are. */
export function verdictOn(analysis: Analysis, mapping: UrgencyMapping): Verdict {
  const verdicts = analysis.hits.map((hit) => verdictOnHit(hit, analysis, mapping));
  const gravest = verdicts.toSorted(byGravity)[0] ?? NO_FINDING;
  return { ...gravest, confidence: temperedConfidence(gravest.confidence, analysis) };
}

/** The verdict on one finding, by what breaks and how the consumer uses it. */
export function verdictOnHit(
  hit: Hit,
  { diagnostics, exposure }: Pick<Analysis, "diagnostics" | "exposure">,
  mapping: UrgencyMapping,
): Verdict {
  const row = rowFor(hit, diagnostics, mapping[hit.finding.trigger] ?? defaultFor(hit.finding));
  // The range keeps the new version out: it breaks on upgrade, not on the next install. A
  // service that the same repository runs knows no ranges.
  const later = row.requiresAction && exposure?.satisfies === false && isOfPackage(hit.finding);
  return later ? { ...row, urgency: stepDown(row.urgency) } : row;
}

function isOfPackage({ rule }: Finding): boolean {
  return /^(?:pkg|ts|js)\./.test(rule);
}

function defaultFor(finding: Finding): Urgency {
  return DEFAULT_URGENCY[finding.trigger];
}

function rowFor(hit: Hit, diagnostics: readonly Diagnostic[], mapped: Urgency): Verdict {
  const { finding, usage } = hit;
  if (finding.breaking === "no") {
    return isUsedStep(hit) ? noAction(finding.compared === null ? 0.75 : 0.65) : NO_FINDING;
  }
  if (usage === "none") return noAction(0.85);
  if (finding.breaking === "maybe") {
    return usage === "confirmed"
      ? action(stepDown(mapped), 0.65)
      : { ...action("medium", 0.45), grey: true };
  }
  if (usage === "confirmed") return action(mapped, provenBy(hit, diagnostics) ? 0.97 : 0.9);
  const bounded = urgencyAtMost(mapped, "high");
  return usage === "likely" ? action(bounded, 0.7) : { ...action(bounded, 0.5), grey: true };
}

/**
 * A major, by who uses the package: what else it changed, behind types that stayed, only its
 * release notes say; the less sure where no reason for it was found.
 */
function isUsedStep({ finding: { rule, before, after }, usage }: Hit): boolean {
  if (rule !== "pkg.version" || usage === "none") return false;
  return before !== null && after !== null && mayBreak(before, after);
}

export function action(urgency: Urgency, confidence: number): Verdict {
  return { requiresAction: true, urgency, confidence, grey: false };
}

export function noAction(confidence: number): Verdict {
  return { requiresAction: false, urgency: "low", confidence, grey: false };
}

/** The compiler has a new error in a file that the finding hits. */
function provenBy(hit: Hit, diagnostics: readonly Diagnostic[]): boolean {
  const paths = new Set(hit.hits.map(({ path }) => path));
  return diagnostics.some(({ path }) => paths.has(path));
}

type Seen = Pick<Analysis, "isPayloadOnly" | "truncated" | "degraded" | "capsHit">;

/** A confidence as far as the facts were seen. */
export function temperedConfidence(confidence: number, facts: Seen): number {
  const lessKnown =
    (facts.isPayloadOnly ? 0.85 : 1) *
    (facts.truncated ? 0.85 : 1) *
    (facts.degraded.length > 0 ? 0.9 : 1) *
    (facts.capsHit.length > 0 ? 0.9 : 1);
  const clamped = Math.min(0.99, Math.max(0.05, confidence * lessKnown));
  return Math.round(clamped * 100) / 100;
}

/**
 * Action before none, then the higher urgency, then the surer one. Among verdicts without
 * action the less sure wins: something that could break and is not used leaves more doubt
 * than something that cannot break.
 */
function byGravity(left: Verdict, right: Verdict): number {
  if (left.requiresAction !== right.requiresAction) return left.requiresAction ? -1 : 1;
  const urgency = URGENCIES.indexOf(right.urgency) - URGENCIES.indexOf(left.urgency);
  if (urgency !== 0) return urgency;
  const surer = right.confidence - left.confidence;
  return left.requiresAction ? surer : -surer;
}

/** What a person can answer: the consumer uses it, does not, or should be left alone. */
const answer = z.enum(["yes", "no", "ignore"]);
const decisionSchema = z.union([
  answer,
  z.looseObject({ answer }).transform((decision) => decision.answer),
]);
export type DecisionAnswer = z.output<typeof answer>;

/** The answer in a stored decision, `"yes"` or `{"answer": "yes"}`; null if there is none. */
export function answerIn(decision: unknown): DecisionAnswer | null {
  return decisionSchema.safeParse(decision).data ?? null;
}

/** The facts with what a person said about usage in place of what could not be found out. */
export function withAnswer(analysis: Analysis, given: DecisionAnswer | null): Analysis {
  if (given === null) return analysis;
  const usage = given === "yes" ? "confirmed" : "none";
  return {
    ...analysis,
    usage: isUncertain(analysis.usage) ? usage : analysis.usage,
    hits: analysis.hits.map((hit) => (isUncertain(hit.usage) ? { ...hit, usage } : hit)),
  };
}

export function isUncertain(usage: Usage): boolean {
  return usage === "likely" || usage === "unknown";
}
