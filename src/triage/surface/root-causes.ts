import type ts from "typescript";
import type { Candidate, Comparison } from "./comparison.ts";
import { sameShape } from "./same-shape.ts";
import { isWithin } from "./surface-program.ts";
import { referencedTypes } from "./type-references.ts";

/**
 * The candidates without those that only follow from others: a function that is written as
 * before and takes an `Options` whose member changed is not a second change. One that is
 * written as before and refers to nothing that broke stays: a type that is not exported
 * has changed below it.
 */
export function rootCauses(
  comparison: Comparison,
  candidates: readonly Candidate[],
  removed: ReadonlySet<ts.Symbol>,
): Candidate[] {
  const broken = new Set(removed);
  for (const candidate of candidates) {
    if (candidate.found.finding.breaking === "yes" && !writtenAlike(candidate)) {
      broken.add(candidate.owner);
    }
  }
  return candidates.filter(
    (candidate) => !(writtenAlike(candidate) && followsFrom(comparison, candidate, broken)),
  );
}

function writtenAlike({ before, after }: Candidate): boolean {
  return (
    before.length > 0 &&
    before.length === after.length &&
    before.every((node, index) => {
      const other = after[index];
      return other !== undefined && sameShape(node, other);
    })
  );
}

function followsFrom(
  { checker, pair }: Comparison,
  { before, owner }: Candidate,
  broken: ReadonlySet<ts.Symbol>,
): boolean {
  const belongs = (node: ts.Node): boolean => isWithin(node.getSourceFile().fileName, pair.from);
  const referred = referencedTypes(checker, before, belongs);
  return [...referred.keys()].some((symbol) => symbol !== owner && broken.has(symbol));
}
