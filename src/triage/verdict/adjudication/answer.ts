import { z } from "zod";
import { visibleText } from "../../../index.ts";
import { URGENCIES, urgencyAtMost } from "../../facts/finding.ts";
import type { TriageResult } from "../../facts/result.ts";
import type { Material } from "./material.ts";

/** Control characters, and those that turn the direction of what follows: each leaves a gap. */
const TURNING = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

function turned(found: string): string {
  return found === "\n" ? found : " ";
}

function words(max: number) {
  return z
    .string()
    .max(max)
    .transform((text) => visibleText(text.replaceAll(TURNING, turned)).trim());
}

/** What a model may answer: the keys that every result has had, each within limits. */
const modelAnswer = z.object({
  requires_action: z.boolean(),
  urgency: z.enum(URGENCIES),
  impact_summary: words(2_000).pipe(z.string().min(1)),
  affected_files: z.array(z.string().max(1_000)).max(500),
  recommended_changes: words(10_000),
  confidence: z.number().min(0).max(1),
  reasoning: words(4_000),
});
export type ModelAnswer = z.output<typeof modelAnswer>;

/** Thrown: an answer cannot be used. The message holds nothing of it but keys of ours. */
export class UnusableAnswer extends Error {
  override readonly name = "UnusableAnswer";
}

/** Read a model's text: JSON, alone or between other words. Throws an UnusableAnswer. */
export function parseModelAnswer(text: string): ModelAnswer {
  const parsed = modelAnswer.safeParse(jsonIn(text));
  if (parsed.success) return parsed.data;
  const keys = new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? "the object")));
  throw new UnusableAnswer(`the answer has no usable ${[...keys].join(", ")}`);
}

function jsonIn(text: string): unknown {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    throw new UnusableAnswer("the answer is not JSON");
  }
}

/** The part of the rules in the confidence, and what it may reach without a proof. */
const RULES_SHARE = 0.6;
const UNPROVEN_MAX = 0.95;

/** The keys of a result that an answer may change. */
export const ADJUDICATED = [
  "requires_action",
  "urgency",
  "impact_summary",
  "affected_files",
  "recommended_changes",
  "confidence",
  "reasoning",
] as const;

/**
 * The result as the answer words and settles it. An answer that goes beyond what a model may
 * decide is not used at all: who obeys a repository in one thing is no judge of the others.
 * Throws an UnusableAnswer then. What the rules found out stays in the texts.
 */
export function applyAnswer(
  result: TriageResult,
  answer: ModelAnswer,
  { material, model }: { material: Material; model: string },
): TriageResult {
  checkBounds(result, answer, material);
  const isAsked = answer.requires_action;
  return {
    ...result,
    requires_action: isAsked,
    urgency: isAsked ? answer.urgency : urgencyAtMost(answer.urgency, result.urgency),
    impact_summary: isFirm(result) ? result.impact_summary : answer.impact_summary,
    affected_files: isAsked ? filesOf(result, answer) : [],
    recommended_changes: isAsked ? changesOf(result, answer, model) : "",
    confidence: confidenceOf(result, answer),
    reasoning: `${result.reasoning} ${model}: ${answer.reasoning}`,
  };
}

function checkBounds(result: TriageResult, answer: ModelAnswer, material: Material): void {
  if (answer.requires_action !== result.requires_action && isFirm(result)) {
    throw new UnusableAnswer("the answer turns around what is certain");
  }
  const steps = URGENCIES.indexOf(answer.urgency) - URGENCIES.indexOf(result.urgency);
  if (Math.abs(steps) > 1) {
    throw new UnusableAnswer("the answer moves the urgency by more than one step");
  }
  const known = targetPaths(result, material);
  if (!answer.affected_files.every((path) => known.has(path))) {
    throw new UnusableAnswer("the answer names files that were not scanned");
  }
}

/** Files of the target that exist, and that the analysis looked into. */
function targetPaths({ affected_files, evidence }: TriageResult, material: Material): Set<string> {
  return new Set([
    ...affected_files,
    ...evidence.findings.flatMap(({ hits }) => hits.map(({ path }) => path)),
    ...evidence.diagnostics.map(({ path }) => path),
    ...evidence.files.flatMap((file) => pathIn(file)),
    ...material.snippets.map(({ path }) => path),
  ]);
}

function pathIn(file: unknown): string[] {
  return typeof file === "object" && file !== null && "path" in file ? [String(file.path)] : [];
}

/** What is certain stays affected, whatever is said. */
function filesOf(result: TriageResult, answer: ModelAnswer): string[] {
  const certain = isFirm(result) ? result.affected_files : [];
  return [...new Set([...certain, ...answer.affected_files])].toSorted();
}

function changesOf(result: TriageResult, answer: ModelAnswer, model: string): string {
  const said = answer.recommended_changes;
  return [
    ...(result.recommended_changes === "" ? [] : [result.recommended_changes]),
    ...(said === "" ? [] : [`Suggested by ${model}, not checked:`, said]),
  ].join("\n");
}

function confidenceOf(result: TriageResult, answer: ModelAnswer): number {
  const mixed = RULES_SHARE * result.confidence + (1 - RULES_SHARE) * answer.confidence;
  const bounded = isProven(result)
    ? Math.max(mixed, result.confidence)
    : Math.min(mixed, UNPROVEN_MAX);
  return Math.round(bounded * 100) / 100;
}

/** Below, the facts say next to nothing; above, they say enough. */
const CONFIDENCE_MIN = 0.35;
const CONFIDENCE_MAX = 0.75;

/** Whether the facts leave the verdict open enough to put it to a model. */
export function isOpen({ confidence, evidence }: TriageResult): boolean {
  return isBetween(confidence) || evidence.findings.some(isGrey);
}

function isBetween(confidence: number): boolean {
  return confidence >= CONFIDENCE_MIN && confidence <= CONFIDENCE_MAX;
}

/** It may break something, and nobody knows whether that is used. */
function isGrey({ breaking, usage }: TriageResult["evidence"]["findings"][number]): boolean {
  if (breaking === "no") return false;
  return usage === "unknown" || (usage === "likely" && breaking === "maybe");
}

/**
 * Whether a compiler or a three-way merge proved what the verdict asks for: an error in the
 * consumer's own code, or a change that applies to the derivative. Of a security fix it is
 * enough that it is missing there.
 */
function isProven({ requires_action, evidence }: TriageResult): boolean {
  return (
    requires_action && (evidence.diagnostics.length > 0 || evidence.files.some(isProvenToApply))
  );
}

const mergedFile = z.looseObject({ disposition: z.string(), intent: z.string().nullish() });

function isProvenToApply(file: unknown): boolean {
  const { success, data } = mergedFile.safeParse(file);
  if (!success) return false;
  return (
    APPLIES.has(data.disposition) || (data.intent === "security" && OPEN.has(data.disposition))
  );
}

const APPLIES: ReadonlySet<string> = new Set(["fast_forward", "merges_cleanly"]);
const OPEN: ReadonlySet<string> = new Set(["conflicts", "missing"]);

/** Whether no answer may turn the verdict around. */
export function isFirm(result: TriageResult): boolean {
  return isProven(result) || result.confidence > CONFIDENCE_MAX;
}
