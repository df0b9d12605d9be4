import type { TriageResult } from "../result.ts";

const DAY_SECONDS = 86_400;

/** How long a verdict is cached, in seconds. */
const KEEP_SECONDS = {
  complete: 7 * DAY_SECONDS,
  /** Something was missing that may be there soon: a file, a type, an answer of the model. */
  lacking: 600,
} as const;

/** How long this verdict is right to give again without another look. */
export function keepSecondsOf({ evidence, adjudication }: TriageResult): number {
  const isLacking = evidence.degraded.length > 0 || adjudication.error !== undefined;
  return isLacking ? KEEP_SECONDS.lacking : KEEP_SECONDS.complete;
}
