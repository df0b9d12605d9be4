import { z } from "zod";
import type { TriageResult } from "../result.ts";

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
export function isProven({ requires_action, evidence }: TriageResult): boolean {
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
