import type { Candidate } from "./comparison.ts";
import { alignedTypeNames } from "./same-shape.ts";

/**
 * What stands where a removed type stood, by the removed name: read off the declarations
 * that exist in both versions. The name that takes its place most often wins, then the
 * first by alphabet.
 */
export function replacementsIn(
  candidates: readonly Candidate[],
  names: { readonly removed: ReadonlySet<string>; readonly offered: ReadonlySet<string> },
): Map<string, string> {
  const counts = new Map<string, Map<string, number>>();
  for (const [gone, taken] of candidates.flatMap(alignedIn)) {
    if (!names.removed.has(gone) || !names.offered.has(taken)) continue;
    const taking = counts.get(gone) ?? new Map<string, number>();
    counts.set(gone, taking.set(taken, (taking.get(taken) ?? 0) + 1));
  }
  return new Map([...counts].map(([gone, taking]) => [gone, mostFrequent(taking)]));
}

function alignedIn({ before, after }: Candidate): [string, string][] {
  return before.flatMap((node, index) => {
    const other = after[index];
    return other === undefined ? [] : alignedTypeNames(node, other);
  });
}

function mostFrequent(counts: ReadonlyMap<string, number>): string {
  const ranked = [...counts].toSorted(
    ([leftName, left], [rightName, right]) => right - left || (leftName < rightName ? -1 : 1),
  );
  return ranked[0]?.[0] ?? "";
}
