/**
 * The numbers behind an enum, for consumers that use them without its names. Beside
 * compare-export.ts, which would be too long with it.
 */
import ts from "typescript";
import { numberKey } from "../compiler/declarations.ts";
import { finding } from "../facts/finding.ts";
import { type Candidate, type Comparison, providerLocation, subjectOf } from "./comparison.ts";

/**
 * An enum whose numbers moved, for who holds its values against numbers that only the program
 * knows: they may be those of before.
 */
export function compareNumbers(
  comparison: Comparison,
  { name, before, after }: { name: string; before: ts.Symbol; after: ts.Symbol },
): Candidate[] {
  const then = (before.declarations ?? []).filter(ts.isEnumDeclaration);
  const keys = then.map(numberKey).filter((key) => comparison.isUsed(key));
  const moved = keys.length === 0 ? null : firstMoved(comparison, then, after);
  if (moved === null) return [];
  return [
    {
      before: [],
      after: [],
      found: {
        finding: finding({
          rule: "ts.signature",
          breaking: "maybe",
          subject: subjectOf(comparison, name),
          provider: providerLocation(comparison, "to", after.declarations ?? []),
          ...moved,
        }),
        match: { by: "symbol", subpath: comparison.subpath, name: null, declarations: keys },
      },
    },
  ];
}

function firstMoved(
  { checker }: Comparison,
  then: readonly ts.EnumDeclaration[],
  after: ts.Symbol,
): { before: string; after: string } | null {
  for (const member of then.flatMap(({ members }) => [...members])) {
    const name = member.name.getText();
    const next = after.exports?.get(ts.escapeLeadingUnderscores(name))?.valueDeclaration;
    if (next === undefined || !ts.isEnumMember(next)) continue;
    const [old, now] = [checker.getConstantValue(member), checker.getConstantValue(next)];
    if (typeof old !== "number" || typeof now !== "number" || old === now) continue;
    return { before: `${name} = ${old}`, after: `${name} = ${now}` };
  }
  return null;
}

/** Who writes its number down uses the member as well. */
export function withNumbers({ found, before, after }: Candidate): Candidate {
  const { match } = found;
  if (match.by !== "symbol") return { found, before, after };
  const declarations = [...match.declarations, ...before.map(numberKey)];
  return { found: { ...found, match: { ...match, declarations } }, before, after };
}
