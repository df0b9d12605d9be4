import ts from "typescript";
import { declarationKey, declarationKeys } from "../compiler/declarations.ts";
import { type Breaking, type Finding, finding } from "../facts/finding.ts";
import {
  type Candidate,
  type Comparison,
  type Directions,
  declaringSymbol,
  firstDeclarationText,
  mayBeCompatible,
  providerLocation,
  subjectOf,
} from "./comparison.ts";
import { compareNumbers, withNumbers } from "./enum-numbers.ts";
import { arityOf, classHead, narrowsArity } from "./outline.ts";

type Pair = { readonly name: string; readonly before: ts.Symbol; readonly after: ts.Symbol };

/** What became of one export that both versions have: as a type, and as a value. */
export function compareExport(comparison: Comparison, pair: Pair): Candidate[] {
  const then = pair.before.declarations ?? [];
  if (comparison.isUnchanged(then, pair.after.declarations ?? [])) return [];
  const type = isType(pair.before) && !isEnum(pair.before) ? compareAsType(comparison, pair) : [];
  const value = isValue(pair.before) ? compareAsValue(comparison, pair, type.some(isBreak)) : [];
  return [...type, ...value, ...(isEnum(pair.before) ? compareNumbers(comparison, pair) : [])];
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
  return compareTypes(comparison, pair, { types, directions, space: "type" });
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
  const compared = { types, directions: OUTPUT, space: "value" } as const;
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

type Types = Pick<Compared, "types" | "directions" | "space">;

/** By members, which say more; the type as a whole where no member explains the misfit. */
function compareTypes(
  comparison: Comparison,
  pair: Pair,
  { types, directions, space }: Types,
): Candidate[] {
  // An unresolved import is `any`, which fits everything: it says nothing about the type.
  if ((types.before.flags | types.after.flags) & ts.TypeFlags.Any) return [];
  const members = compareMembers(comparison, { ...pair, types, directions, space });
  const held = { key: `${space} ${pair.name}`, declarations: pair.before.declarations ?? [] };
  const whole = { before: [types.before], after: [types.after], held };
  const isExplained = members.some(isBreak) || saidByMembers(comparison, types.before);
  return isExplained || mayBeCompatible(comparison, whole, directions)
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
        provider: providerLocation(comparison, "to", now),
        ...printed(then, now),
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

/** Two declarations as they print; nothing where that does not tell them apart. */
function printed(
  before: readonly ts.Declaration[],
  after: readonly ts.Declaration[],
): Pick<Finding, "before" | "after"> {
  const [then, now] = [firstDeclarationText(before), firstDeclarationText(after)];
  return then === now ? { before: null, after: null } : { before: then, after: now };
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

/** An exported type or object in both versions. */
type Compared = {
  readonly name: string;
  readonly before: ts.Symbol;
  readonly after: ts.Symbol;
  readonly types: { readonly before: ts.Type; readonly after: ts.Type };
  readonly directions: Directions;
  /** Whether it is compared as a type or as a value: of a class both are. */
  readonly space: "type" | "value";
};

/** What became of each member of a type. */
function compareMembers(comparison: Comparison, compared: Compared): Candidate[] {
  const { checker, program } = comparison;
  const before = membersOf(checker, compared.types.before, program);
  const after = membersOf(checker, compared.types.after, program);
  const candidates: Candidate[] = [];
  for (const [name, old] of before) {
    const next = after.get(name);
    if (isLeftToOwner(comparison, compared, old)) {
      if (next === undefined) candidates.push(...lostByAlias(comparison, compared, old));
      continue;
    }
    if (next === undefined) candidates.push(removed(comparison, compared, old));
    else if (breaks(comparison, compared, old, next)) {
      candidates.push(changed(comparison, compared, old, next));
    }
  }
  // A type without members of its own (a union of strings, a function) gains none either.
  if (before.size === 0) return candidates;
  for (const [name, next] of after) {
    if (!before.has(name)) candidates.push(added(comparison, compared, next));
  }
  return candidates;
}

/** Whether another export declares the member, and tells what becomes of it. */
function isLeftToOwner(comparison: Comparison, { before }: Compared, old: TypeMember): boolean {
  const owners = old.declarations.map((node) => comparison.ownerOf(node));
  return owners.length > 0 && owners.every((owner) => owner !== null && owner.before !== before);
}

/**
 * A member that its owner keeps and only this type lets go of: who uses it by way of the owner is
 * not hit, so that only naming this type is.
 */
function lostByAlias(comparison: Comparison, compared: Compared, old: TypeMember): Candidate[] {
  const { checker } = comparison;
  const keeps = old.declarations.some((node) => {
    const after = comparison.ownerOf(node)?.after;
    const type = after === undefined ? undefined : checker.getDeclaredTypeOfSymbol(after);
    return type !== undefined && checker.getPropertyOfType(type, old.name) !== undefined;
  });
  if (!keeps) return [];
  const declarations = compared.before.declarations ?? [];
  return [
    candidate(comparison, compared, {
      rule: "ts.member_removed",
      breaking: "yes",
      old: { ...old, declarations },
    }),
  ];
}

function breaks(
  comparison: Comparison,
  { name, space, directions }: Compared,
  old: TypeMember,
  next: TypeMember,
): boolean {
  if (comparison.isUnchanged(old.declarations, next.declarations)) return false;
  // Before the types are: those of two enums are related by their names.
  if (valueMoved(comparison, old, next)) return true;
  if (directions.has("input") && old.optional && !next.optional) return true;
  const held = { key: `${space} ${name} ${old.name}`, declarations: old.declarations };
  return !mayBeCompatible(comparison, { before: old.types, after: next.types, held }, directions);
}

/** Whether both are the same member of an enum, with another number or text. */
function valueMoved({ checker }: Comparison, old: TypeMember, next: TypeMember): boolean {
  const [then, now] = [valueOf(checker, old), valueOf(checker, next)];
  return then !== undefined && now !== undefined && then !== now;
}

function valueOf(
  checker: ts.TypeChecker,
  { declarations }: TypeMember,
): string | number | undefined {
  const [member] = declarations;
  return member !== undefined && ts.isEnumMember(member)
    ? checker.getConstantValue(member)
    : undefined;
}

function removed(comparison: Comparison, compared: Compared, old: TypeMember): Candidate {
  return candidate(comparison, compared, { rule: "ts.member_removed", breaking: "yes", old });
}

function changed(
  comparison: Comparison,
  compared: Compared,
  old: TypeMember,
  next: TypeMember,
): Candidate {
  const { checker } = comparison;
  const found = candidate(comparison, compared, {
    rule: "ts.signature",
    breaking: "yes",
    old,
    next,
  });
  return valueMoved(comparison, old, next)
    ? withValues(withNumbers(found), [valueOf(checker, old), valueOf(checker, next)])
    : found;
}

/**
 * The compiler objects to no use of a member whose value moved: the values themselves are the
 * fact.
 */
function withValues(
  { found, ...nodes }: Candidate,
  [before, after]: readonly (string | number | undefined)[],
): Candidate {
  const text = `${found.finding.subject} is ${JSON.stringify(before)} before and ${JSON.stringify(after)} after`;
  const values = {
    before: JSON.stringify(before) ?? null,
    after: JSON.stringify(after) ?? null,
    proof: { by: "node", text } as const,
  };
  return { ...nodes, found: { ...found, finding: { ...found.finding, ...values } } };
}

/**
 * A member that consumers must supply is one that their code lacks; maybe so where the
 * package hands the type out as well, and consumers only pass on what they got.
 */
function added(comparison: Comparison, compared: Compared, next: TypeMember): Candidate {
  const { directions } = compared;
  if (directions.has("input") && !next.optional) {
    const breaking = directions.has("output") ? "maybe" : "yes";
    return candidate(comparison, compared, { rule: "ts.signature", breaking, next });
  }
  const rule = next.optional ? "ts.optional_added" : "ts.added";
  return candidate(comparison, compared, { rule, breaking: "no", next });
}

type Change = { rule: string; breaking: Breaking; old?: TypeMember; next?: TypeMember };

function candidate(
  comparison: Comparison,
  { name, before, after }: Compared,
  { rule, breaking, old, next }: Change,
): Candidate {
  const member = old ?? next;
  const declarations = old?.declarations ?? [];
  const there = next === undefined ? [] : [...next.declarations, ...(after.declarations ?? [])];
  const gone = [...declarations, ...(before.declarations ?? [])];
  return {
    before: declarations,
    after: next?.declarations ?? [],
    found: {
      finding: finding({
        rule,
        breaking,
        subject: subjectOf(
          comparison,
          `${ownerName(comparison, { name, before }, declarations)}.${member?.name ?? ""}`,
        ),
        provider:
          next === undefined
            ? providerLocation(comparison, "from", gone)
            : providerLocation(comparison, "to", there),
        ...printed(declarations, next?.declarations ?? []),
      }),
      match: {
        by: "symbol",
        subpath: comparison.subpath,
        name: null,
        // A member that is demanded but missing has no use to find: whoever names the type is hit.
        declarations: (old === undefined ? (before.declarations ?? []) : declarations).map(
          declarationKey,
        ),
      },
    },
  };
}

/**
 * The type that a member is written in, which people know it by; that it is compared in, for a new
 * one.
 */
function ownerName(
  { checker }: Comparison,
  { name, before }: Pick<Compared, "name" | "before">,
  [declaration]: readonly ts.Declaration[],
): string {
  if (declaration === undefined || before.declarations?.includes(declaration) === true) return name;
  const owner = declaringSymbol(checker, declaration);
  return owner === undefined || owner === before ? name : owner.name;
}

/** A property of a type, over all constituents of a union that have it. */
type TypeMember = {
  readonly name: string;
  readonly types: readonly ts.Type[];
  readonly optional: boolean;
  readonly symbols: readonly ts.Symbol[];
  readonly declarations: readonly ts.Declaration[];
};

/**
 * The members of a type that the package (or a package it builds on) wrote. A union is
 * walked by its constituents, because its own properties are only those that all
 * constituents share. Members of the standard library (an array's `push`) are left out,
 * and so are keys that are unique symbols, whose names differ from program to program.
 */
function membersOf(
  checker: ts.TypeChecker,
  type: ts.Type,
  program: ts.Program,
): Map<string, TypeMember> {
  const members = new Map<string, TypeMember>();
  for (const part of type.isUnion() ? type.types : [type]) {
    if (!(part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) continue;
    for (const symbol of checker.getPropertiesOfType(part)) {
      const declarations = symbol.declarations ?? [];
      if (symbol.name.startsWith("__@") || symbol.flags & ts.SymbolFlags.Prototype) continue;
      if (declarations.length > 0 && declarations.every((node) => inLibrary(node, program)))
        continue;
      members.set(symbol.name, merged(checker, symbol, members.get(symbol.name)));
    }
  }
  return members;
}

function merged(
  checker: ts.TypeChecker,
  symbol: ts.Symbol,
  known: TypeMember | undefined,
): TypeMember {
  const optional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
  return {
    name: symbol.name,
    types: [...(known?.types ?? []), checker.getTypeOfSymbol(symbol)],
    optional: optional || known?.optional === true,
    symbols: [...(known?.symbols ?? []), symbol],
    declarations: [...new Set([...(known?.declarations ?? []), ...(symbol.declarations ?? [])])],
  };
}

function inLibrary(node: ts.Node, program: ts.Program): boolean {
  return program.isSourceFileDefaultLibrary(node.getSourceFile());
}
