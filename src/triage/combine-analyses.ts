import type { Analysis, Exposure } from "./analysis.ts";
import { boundedFacts, sortedSet } from "./bounded-facts.ts";
import type { Hit, Usage } from "./finding.ts";

/**
 * Several analyses of one change for one consumer, told as one: of a service and of the
 * packages that its repository publishes. Facts add up, and the surest use counts. Expects
 * one at least; exposure is that of the package that comes with the next install, if one does.
 */
export function combineAnalyses(analyses: readonly Analysis[]): Analysis {
  const [first] = analyses;
  if (first === undefined) throw new RangeError("expected an analysis, got none");
  const all = <Fact>(of: (analysis: Analysis) => readonly Fact[]): Fact[] => analyses.flatMap(of);
  return {
    ...boundedFacts({
      hits: withOwnIds(all(({ hits }) => hits)),
      diagnostics: all(({ diagnostics }) => diagnostics),
      capsHit: all(({ capsHit }) => capsHit),
    }),
    usage: surest(analyses.map(({ usage }) => usage)),
    exposure: nearest(analyses.flatMap(({ exposure }) => exposure ?? [])),
    targetSha: first.targetSha,
    isPayloadOnly: analyses.some(({ isPayloadOnly }) => isPayloadOnly),
    truncated: analyses.some(({ truncated }) => truncated),
    degraded: sortedSet(all(({ degraded }) => degraded)),
  };
}

/** A verdict is less urgent where the range keeps the change out: all of them have to. */
function nearest(exposures: readonly Exposure[]): Exposure | null {
  return exposures.find(({ satisfies }) => satisfies !== false) ?? exposures[0] ?? null;
}

const BY_SURENESS: readonly Usage[] = ["confirmed", "likely", "unknown", "none"];

function surest(usages: readonly Usage[]): Usage {
  return BY_SURENESS.find((usage) => usages.includes(usage)) ?? "unknown";
}

/** Two packages may change an export of the same name. */
function withOwnIds(hits: readonly Hit[]): Hit[] {
  const seen = new Map<string, number>();
  return hits.map((hit) => {
    const { id } = hit.finding;
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? hit : { ...hit, finding: { ...hit.finding, id: `${id}#${count}` } };
  });
}
