import ts from "typescript";
import {
  declarationKey,
  declarationText,
  locationOf,
  resolveAlias,
} from "../compiler/declarations.ts";
import type { Found, Location } from "../facts/finding.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import type { Outline } from "./outline.ts";
import { type EntryPair, isWithin } from "./surface-program.ts";
import type { TypeBudget, TypeMeter } from "./type-budget.ts";

/** One program that holds both versions, and what the comparing functions ask of it. */
export type Comparison = {
  readonly pair: PackagePair;
  readonly subpath: string;
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** The exported symbol's type as a consumer can write it, generics instantiated. */
  declaredType(side: "from" | "to", name: string, symbol: ts.Symbol): ts.Type;
  directionsOf(symbol: ts.Symbol): Directions;
  /** The export that declares a member; null where what declares it is not exported. */
  ownerOf(declaration: ts.Node): Owner | null;
  /** Whether both are written alike. */
  readonly isUnchanged: (before: readonly ts.Node[], after: readonly ts.Node[]) => boolean;
  /** Whether the consumer uses something of the old version, by its key. */
  readonly isUsed: (key: string) => boolean;
  /** The answer of a comparison of types; null where it takes too much, or is left for later. */
  answer(what: Held, compare: () => boolean): boolean | null;
};

/** What is held against its new version. */
export type Held = {
  /** The same in each program. */
  readonly key: string;
  readonly declarations: readonly ts.Node[];
};

/** An exported type in both versions; `after` is undefined where it is gone. */
export type Owner = { readonly before: ts.Symbol; readonly after: ts.Symbol | undefined };

/** A difference, and the declarations that it was found between. */
export type Candidate = {
  readonly found: Found;
  readonly before: readonly ts.Declaration[];
  readonly after: readonly ts.Declaration[];
};

/**
 * Whether the new type can stand where consumers use the old one, in all given directions, or
 * nobody knows since the comparison takes too much.
 */
export function mayBeCompatible(
  comparison: Comparison,
  types: { before: readonly ts.Type[]; after: readonly ts.Type[]; held: Held },
  directions: Directions,
): boolean {
  const { checker } = comparison;
  const { before, after, held } = types;
  const answer = comparison.answer(held, () => {
    const out = !directions.has("output") || everyFitsSome(checker, after, before);
    const isGiven = directions.has("input") || directions.has("partial");
    const into = !isGiven || everyFitsSome(checker, before, after);
    return out && into;
  });
  return answer ?? true;
}

function everyFitsSome(
  checker: ts.TypeChecker,
  sources: readonly ts.Type[],
  targets: readonly ts.Type[],
): boolean {
  return sources.every((source) =>
    targets.some((target) => checker.isTypeAssignableTo(source, target)),
  );
}

/** The first declaration that lies in the given version, as a place. */
export function providerLocation(
  comparison: Pick<Comparison, "pair">,
  side: "from" | "to",
  declarations: readonly ts.Node[],
): Location | null {
  const tree = comparison.pair[side];
  const own = declarations.find((node) => isWithin(node.getSourceFile().fileName, tree));
  return own === undefined ? null : locationOf(own, tree.directory);
}

export function firstDeclarationText(declarations: readonly ts.Declaration[]): string | null {
  const first = declarations[0];
  return first === undefined ? null : declarationText(first);
}

/** An export's subject: its name, and its subpath unless that is the package itself. */
export function subjectOf({ subpath }: Pick<Comparison, "subpath">, name: string): string {
  return subpath === "." ? name : `${name} (${subpath})`;
}

/** Exported symbols by name. */
export type Exports = ReadonlyMap<string, ts.Symbol>;

/** Names of the module itself before those of its namespaces: `ZodError` before `z.ZodError`. */
export function byName(exported: Exports): [string, ts.Symbol][] {
  return [...exported].toSorted(([left], [right]) => depthOf(left) - depthOf(right));
}

function depthOf(name: string): number {
  return name.split(".").length;
}

type ComparisonParts = {
  pair: PackagePair;
  entries: EntryPair;
  outline: Outline;
  before: Exports;
  after: Exports;
  meter: TypeMeter;
  known: Known;
  isUsed: (key: string) => boolean;
  /** Of what is left for later nothing is held against each other. */
  isLeft(declarations: readonly ts.Node[]): boolean;
};

/**
 * What holds whichever program it was found with. Programs of one analysis share what is parsed,
 * so that declarations are the same in all of them, and symbols are not.
 */
export type Known = {
  readonly budget: TypeBudget;
  /** By declarations of both versions. */
  readonly unchanged: Map<string, boolean>;
  /** By a first declaration; null as long as nobody asked. */
  directions: ReadonlyMap<ts.Node, Directions> | null;
};

/** What the comparing functions ask of a program that holds both versions. */
export function comparisonOf(program: ts.Program, parts: ComparisonParts): Comparison {
  const { pair, entries, outline, before, after, meter, known } = parts;
  const { checker } = meter;
  const names = new Map(
    byName(before)
      .map(([name, symbol]): [ts.Symbol, string] => [symbol, name])
      .toReversed(),
  );
  const isSameExport = (old: ts.Symbol, next: ts.Symbol): boolean => {
    const name = names.get(old);
    return name !== undefined && after.get(name) === next;
  };
  known.directions ??= byDeclaration(
    referencedTypes(checker, valueDeclarations(before), (node) =>
      isWithin(node.getSourceFile().fileName, pair.from),
    ),
  );
  const { directions } = known;
  return {
    pair,
    subpath: entries.from.subpath,
    program,
    checker,
    declaredType: (side, name, symbol) =>
      outline.instantiated(program, side, name) ?? checker.getDeclaredTypeOfSymbol(symbol),
    ownerOf: (declaration) => {
      const owner = declaringSymbol(checker, declaration);
      const name = owner === undefined ? undefined : names.get(owner);
      return owner === undefined || name === undefined
        ? null
        : { before: owner, after: after.get(name) };
    },
    // A type that no function takes or gives is for consumers to use either way.
    directionsOf: ({ declarations: [first] = [] }) =>
      (first === undefined ? undefined : directions.get(first)) ?? BOTH,
    isUnchanged: (old, next) => {
      const key = [old, next].map((nodes) => nodes.map(declarationKey).join()).join(" > ");
      const answer = known.unchanged.get(key) ?? unchanged({ checker, isSameExport }, old, next);
      known.unchanged.set(key, answer);
      return answer;
    },
    isUsed: parts.isUsed,
    answer: ({ key, declarations }, compare) =>
      parts.isLeft(declarations) ? null : known.budget.answer(key, meter, compare),
  };
}

function byDeclaration(found: ReadonlyMap<ts.Symbol, Directions>): Map<ts.Node, Directions> {
  return new Map(
    [...found].flatMap(([{ declarations = [] }, directions]) =>
      declarations.slice(0, 1).map((first) => [first, directions] as const),
    ),
  );
}

/** The interface, class, enum or alias that a member is written in. */
export function declaringSymbol(checker: ts.TypeChecker, member: ts.Node): ts.Symbol | undefined {
  const declaring = ts.findAncestor(
    member.parent,
    (node) =>
      ts.isInterfaceDeclaration(node) ||
      ts.isClassLike(node) ||
      ts.isEnumDeclaration(node) ||
      ts.isTypeAliasDeclaration(node),
  );
  const name = declaring === undefined ? undefined : ts.getNameOfDeclaration(declaring);
  return name === undefined ? undefined : checker.getSymbolAtLocation(name);
}

const BOTH: Directions = new Set(["input", "output"] as const);

function valueDeclarations(exported: Exports): ts.Node[] {
  return [...exported.values()]
    .filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
    .flatMap((symbol) => symbol.declarations ?? [])
    .filter((node) => !ts.isSourceFile(node));
}

type UnchangedSettings = {
  readonly checker: ts.TypeChecker;
  /** Whether two symbols are one export in both versions, which is compared on its own. */
  isSameExport(before: ts.Symbol, after: ts.Symbol): boolean;
};

type Nodes = readonly ts.Node[];

/**
 * Whether declarations are written alike, and all that they refer to as well, up to exports.
 * Names of parameters and comments do not count: a renamed parameter is no change.
 *
 * Asked before the checker is: what follows from a changed export is not reported a second
 * time, and large recursive types (zod's) do not take the checker minutes and gigabytes to
 * hold against their own copy.
 */
function unchanged(settings: UnchangedSettings, before: Nodes, after: Nodes): boolean {
  return before.length > 0 && new Walk(settings).sameAll(before, after);
}

class Walk {
  readonly #settings: UnchangedSettings;
  /** Symbols met; one that is met again inside itself is the same unless a difference shows. */
  readonly #met = new Set<ts.Symbol>();

  constructor(settings: UnchangedSettings) {
    this.#settings = settings;
  }

  sameAll(before: Nodes, after: Nodes): boolean {
    return (
      before.length === after.length &&
      before.every((node, index) => {
        const other = after[index];
        return other !== undefined && this.#same(node, other);
      })
    );
  }

  #same(before: ts.Node, after: ts.Node): boolean {
    if (before === after || ts.isSourceFile(before)) return true;
    if (before.kind !== after.kind) return false;
    if (ts.isIdentifier(before) || ts.isLiteralExpression(before)) {
      return before.getText() === after.getText();
    }
    return this.sameAll(partsOf(before), partsOf(after)) && this.#sameTarget(before, after);
  }

  #sameTarget(before: ts.Node, after: ts.Node): boolean {
    const old = this.#targetOf(before);
    const next = this.#targetOf(after);
    if (old === undefined || next === undefined || old === next) return old === next;
    if (this.#met.has(old) || this.#settings.isSameExport(old, next)) return true;
    this.#met.add(old);
    return this.sameAll(old.declarations ?? [], next.declarations ?? []);
  }

  #targetOf(node: ts.Node): ts.Symbol | undefined {
    const name = referredName(node);
    const symbol = name === null ? undefined : this.#settings.checker.getSymbolAtLocation(name);
    return symbol === undefined ? undefined : resolveAlias(this.#settings.checker, symbol);
  }
}

/** The children that make up what a declaration says. */
export function partsOf(node: ts.Node): ts.Node[] {
  const parts: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    const nameOfParameter = ts.isParameter(node) && child === node.name;
    if (!nameOfParameter) parts.push(child);
  });
  return parts;
}

/**
 * Which way a type crosses the border: given to the package, or handed out by it; "partial" for
 * what is given as `Partial<…>`, so that no member of it is ever missing.
 */
type Direction = "input" | "output" | "partial";
export type Directions = ReadonlySet<Direction>;

/**
 * The types that declarations refer to, directly or through others of the same package,
 * each with the directions it is met in. A parameter turns the direction round, a
 * callback's parameter twice. Works on what is written, not on types: the checker drops
 * an alias from a union such as `Options | undefined`.
 */
function referencedTypes(
  checker: ts.TypeChecker,
  start: readonly ts.Node[],
  belongs: (declaration: ts.Node) => boolean,
): Map<ts.Symbol, Directions> {
  const met = new Map<ts.Symbol, Set<Direction>>();
  const visit = (node: ts.Node, direction: Direction): void => {
    const name = referredName(node);
    if (name !== null) meet(name, direction);
    const turned = ts.isParameter(node) ? opposite(direction) : direction;
    const inner = turned === "input" && isPartial(node) ? "partial" : turned;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  const meet = (name: ts.Node, direction: Direction): void => {
    const found = checker.getSymbolAtLocation(name);
    if (found === undefined) return;
    const symbol = resolveAlias(checker, found);
    const directions = met.get(symbol) ?? new Set();
    if (directions.has(direction)) return;
    met.set(symbol, directions.add(direction));
    for (const declaration of symbol.declarations ?? []) {
      // `Partial` reaches as far as the members of the type itself.
      const inner = direction === "partial" ? "input" : direction;
      if (belongs(declaration) && !ts.isSourceFile(declaration)) visit(declaration, inner);
    }
  };
  for (const node of start) visit(node, "output");
  return met;
}

function isPartial(node: ts.Node): boolean {
  return (
    ts.isTypeReferenceNode(node) &&
    ts.isIdentifier(node.typeName) &&
    node.typeName.text === "Partial"
  );
}

/** The name by which a node refers to a type, if it does. */
function referredName(node: ts.Node): ts.Node | null {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  if (ts.isTypeQueryNode(node)) return node.exprName;
  if (ts.isImportTypeNode(node)) return node.qualifier ?? null;
  return null;
}

function opposite(direction: Direction): Direction {
  return direction === "output" ? "input" : "output";
}
