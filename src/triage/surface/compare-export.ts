import ts from "typescript";
import { declarationKeys } from "../compiler/declaration.ts";
import { finding } from "../finding.ts";
import { compareMembers } from "./compare-members.ts";
import { type Candidate, type Comparison, fits, placeIn, subjectOf, textOf } from "./comparison.ts";
import { membersOf } from "./members.ts";
import { arityOf, classHead, narrowsArity } from "./type-parameters.ts";
import type { Directions } from "./type-references.ts";

type Pair = { readonly name: string; readonly before: ts.Symbol; readonly after: ts.Symbol };

/** What became of one export that both versions have: as a type, and as a value. */
export function compareExport(comparison: Comparison, pair: Pair): Candidate[] {
  const then = pair.before.declarations ?? [];
  if (comparison.isUnchanged(then, pair.after.declarations ?? [])) return [];
  const type = isType(pair.before) && !isEnum(pair.before) ? compareAsType(comparison, pair) : [];
  const value = isValue(pair.before) ? compareAsValue(comparison, pair, type.some(isBreak)) : [];
  return [...type, ...value];
}

function compareAsType(comparison: Comparison, pair: Pair): Candidate[] {
  const { name, before, after } = pair;
  if (!isType(after) || narrowsArity(arityOf(before), arityOf(after))) {
    return [wholeChange(comparison, pair)];
  }
  // Nobody supplies a class by its members: its instances come from the package.
  const isClass = (before.flags & ts.SymbolFlags.Class) !== 0;
  const directions = isClass ? OUTPUT : comparison.directionsOf(before);
  const types = {
    before: comparison.declaredType("from", name, before),
    after: comparison.declaredType("to", name, after),
  };
  return compareTypes(comparison, pair, { types, directions });
}

const OUTPUT: Directions = new Set(["output"] as const);

function compareAsValue(comparison: Comparison, pair: Pair, typeBreaks: boolean): Candidate[] {
  const { checker } = comparison;
  if (!isValue(pair.after)) return [wholeChange(comparison, pair)];
  const types = {
    before: checker.getTypeOfSymbol(pair.before),
    after: checker.getTypeOfSymbol(pair.after),
  };
  if (types.before.flags & types.after.flags & ts.TypeFlags.UniqueESSymbol) return [];
  const compared = { types, directions: OUTPUT };
  // A class whose instances changed, or whose constructor is as before, misfits as a whole
  // only for what is told elsewhere.
  return pair.before.flags & ts.SymbolFlags.Class && (typeBreaks || sameHead(comparison, pair))
    ? compareMembers(comparison, { ...pair, ...compared })
    : compareTypes(comparison, pair, compared);
}

function sameHead({ isUnchanged }: Comparison, { before, after }: Pair): boolean {
  const then = classHead(before);
  const now = classHead(after);
  return then.length + now.length === 0 || isUnchanged(then, now);
}

type Types = { types: { before: ts.Type; after: ts.Type }; directions: Directions };

/** By members, which say more; the type as a whole where no member explains the misfit. */
function compareTypes(
  comparison: Comparison,
  pair: Pair,
  { types, directions }: Types,
): Candidate[] {
  // An unresolved import is `any`, which fits everything: it says nothing about the type.
  if ((types.before.flags | types.after.flags) & ts.TypeFlags.Any) return [];
  const members = compareMembers(comparison, { ...pair, types, directions });
  const whole = { before: [types.before], after: [types.after] };
  const told = members.some(isBreak) || saidByMembers(comparison, types.before);
  return told || fits(comparison, whole, directions)
    ? members
    : [...members, wholeChange(comparison, pair)];
}

/**
 * A type of members alone: it misfits only where a member of it does, or one that it refers
 * to.
 */
function saidByMembers({ checker, program }: Comparison, type: ts.Type): boolean {
  return (
    !type.isUnion() &&
    membersOf(checker, type, program).size > 0 &&
    checker.getSignaturesOfType(type, ts.SignatureKind.Call).length === 0 &&
    checker.getSignaturesOfType(type, ts.SignatureKind.Construct).length === 0 &&
    checker.getIndexInfosOfType(type).length === 0
  );
}

function wholeChange(comparison: Comparison, { name, before, after }: Pair): Candidate {
  const then = before.declarations ?? [];
  const now = after.declarations ?? [];
  return {
    before: then,
    after: now,
    found: {
      finding: finding({
        rule: "ts.signature",
        breaking: "yes",
        subject: subjectOf(comparison, name),
        provider: placeIn(comparison, "to", now),
        before: textOf(then),
        after: textOf(now),
      }),
      match: {
        by: "symbol",
        subpath: comparison.subpath,
        name,
        declarations: declarationKeys(before),
      },
    },
  };
}

function isType(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Type) !== 0;
}

/** Its members, as a value, say all there is to say about it. */
function isEnum(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Enum) !== 0;
}

function isValue(symbol: ts.Symbol): boolean {
  // A namespace is compared by its members, which are exports of their own.
  return (symbol.flags & ts.SymbolFlags.Value & ~ts.SymbolFlags.ValueModule) !== 0;
}

function isBreak({ found }: Candidate): boolean {
  return found.finding.breaking === "yes";
}
