import ts from "typescript";
import type { Candidate } from "./comparison.ts";
import { partsOf } from "./unchanged.ts";

/**
 * What stands where a removed type stood, by the removed name: read off the declarations
 * that changed, where `FailedAttemptError` and `RetryContext` are the argument of the same
 * callback. The name that takes its place most often wins, then the first by alphabet.
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

/** Pairs of different type names at the same position of two declarations. */
function alignedTypeNames(before: ts.Node, after: ts.Node): [string, string][] {
  if (before.kind !== after.kind) return [];
  if (ts.isTypeReferenceNode(before) && ts.isTypeReferenceNode(after)) {
    const names: [string, string] = [before.typeName.getText(), after.typeName.getText()];
    if (names[0] !== names[1]) return [names];
  }
  const left = partsOf(before);
  const right = partsOf(after);
  if (left.length !== right.length) return [];
  return left.flatMap((child, index) => {
    const other = right[index];
    return other === undefined ? [] : alignedTypeNames(child, other);
  });
}

function mostFrequent(counts: ReadonlyMap<string, number>): string {
  const ranked = [...counts].toSorted(
    ([leftName, left], [rightName, right]) => right - left || (leftName < rightName ? -1 : 1),
  );
  return ranked[0]?.[0] ?? "";
}
