import { z } from "zod";
import type { Analysis } from "../analysis.ts";
import type { Asked } from "../consumer-result.ts";
import type { Usage } from "../finding.ts";
import { verdictOn } from "./verdict.ts";

/** What a person can answer: the consumer uses it, does not, or should be left alone. */
const answer = z.enum(["yes", "no", "ignore"]);
const decisionSchema = z.union([
  answer,
  z.looseObject({ answer }).transform((decision) => decision.answer),
]);
export type Answer = z.output<typeof answer>;

/** The answer in a stored decision, `"yes"` or `{"answer": "yes"}`; null if there is none. */
export function answerIn(decision: unknown): Answer | null {
  return decisionSchema.safeParse(decision).data ?? null;
}

/** The facts with what a person said about usage in place of what could not be found out. */
export function withAnswer(analysis: Analysis, given: Answer | null): Analysis {
  if (given === null) return analysis;
  const usage = given === "yes" ? "confirmed" : "none";
  return {
    ...analysis,
    usage: isOpen(analysis.usage) ? usage : analysis.usage,
    hits: analysis.hits.map((hit) => (isOpen(hit.usage) ? { ...hit, usage } : hit)),
  };
}

function isOpen(usage: Usage): boolean {
  return usage === "likely" || usage === "unknown";
}

/** What to ask a person before the verdict counts; null where the relationship asks nobody. */
export function openQuestion({ payload, source }: Asked, analysis: Analysis): string | null {
  const { on_uncertain, urgency_mapping } = payload.relationship_config;
  return on_uncertain === "ask" && verdictOn(analysis, urgency_mapping).grey
    ? questionOn(payload.target_repo, source.name, analysis)
    : null;
}

/** The question that decides an open verdict. */
function questionOn(target: string, packageName: string, analysis: Analysis): string {
  const subjects = analysis.hits
    .filter(({ finding, usage }) => isOpen(usage) && finding.subject !== packageName)
    .slice(0, SUBJECTS_MAX)
    .map(({ finding }) => `\`${finding.subject}\``);
  const what = subjects.length === 0 ? packageName : `${subjects.join(", ")} of ${packageName}`;
  return `Does ${target} use ${what}? (yes/no/ignore)`;
}

const SUBJECTS_MAX = 3;
