import type { TriageResult } from "../result.ts";

const DAY_SECONDS = 86_400;

/** How long a verdict is cached, in seconds. */
export const KEEP_SECONDS = {
  complete: 7 * DAY_SECONDS,
  /** Something was missing that may be there soon: a file, a type, an answer of the model, time. */
  lacking: 600,
} as const;

/** Of all caps the one that depends on how busy the machine is: see run-analysis.ts. */
const SHALLOW = "surface_types";

/** How long this verdict is right to give again without another look. */
export function keepSecondsOf({ evidence, adjudication }: TriageResult): number {
  const isLacking =
    evidence.degraded.length > 0 ||
    adjudication.error !== undefined ||
    evidence.caps_hit.includes(SHALLOW);
  return isLacking ? KEEP_SECONDS.lacking : KEEP_SECONDS.complete;
}
