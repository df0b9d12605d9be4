import type { TriageResult } from "../result.ts";
import { URGENCIES, urgencyAtMost } from "../verdict/urgency.ts";
import { type ModelAnswer, UnusableAnswer } from "./answer.ts";
import type { Material } from "./material.ts";
import { isFirm, isProven } from "./open-verdict.ts";

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
