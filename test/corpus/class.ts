import type { TriageResult } from "../../src/triage/facts/result.ts";

/** What an upgrade is to one consumer. */
export const CLASSES = ["breaking and used", "breaking, not used", "not breaking"] as const;
export type Class = (typeof CLASSES)[number];

/** Whether a consumer of this class has something to do. */
export function requiresAction(of: Class): boolean {
  return of === "breaking and used";
}

/**
 * The class that a result amounts to. A result that asks for no action says by its findings
 * whether it saw what breaks others.
 */
export function classOf(result: Pick<TriageResult, "requires_action" | "evidence">): Class {
  if (result.requires_action) return "breaking and used";
  const breaks = result.evidence.findings.some(({ breaking }) => breaking === "yes");
  return breaks ? "breaking, not used" : "not breaking";
}
