import type { Analysis } from "./analysis.ts";
import type { Hit } from "./finding.ts";
import { LIMITS } from "./limits.ts";

type Facts = Pick<Analysis, "hits" | "diagnostics" | "capsHit">;

/**
 * The facts in their order and within their limits: what breaks and is used comes first, so
 * that a cap cuts off what matters least.
 */
export function boundedFacts({ hits, diagnostics, capsHit }: Facts): Facts {
  const cut = [
    ...(hits.length > LIMITS.findingsMax ? ["findings"] : []),
    ...(diagnostics.length > LIMITS.diagnosticsMax ? ["diagnostics"] : []),
  ];
  return {
    hits: hits.toSorted(byWeight).slice(0, LIMITS.findingsMax),
    diagnostics: diagnostics.slice(0, LIMITS.diagnosticsMax),
    capsHit: sortedSet([...capsHit, ...cut]),
  };
}

/** The texts without repetitions, in order. */
export function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

function byWeight(left: Hit, right: Hit): number {
  return rankOf(left) - rankOf(right) || (left.finding.id < right.finding.id ? -1 : 1);
}

function rankOf({ finding, usage }: Hit): number {
  const breaking = { yes: 0, maybe: 1, no: 2 }[finding.breaking];
  return (usage === "none" ? 3 : 0) + breaking;
}
