import ts from "typescript";
import type { PackagePair } from "../package/locate.ts";
import type { Comparison } from "./comparison.ts";
import type { Outline } from "./outline.ts";
import { type EntryPair, isWithin } from "./surface-program.ts";
import { type Directions, referencedTypes } from "./type-references.ts";
import { unchanged } from "./unchanged.ts";

/** Exported symbols by name. */
export type Exports = ReadonlyMap<string, ts.Symbol>;
export type ComparisonParts = {
  pair: PackagePair;
  entries: EntryPair;
  outline: Outline;
  before: Exports;
  after: Exports;
};

/** What the comparing functions ask of a program that holds both versions. */
export function comparisonOf(program: ts.Program, parts: ComparisonParts): Comparison {
  const { pair, entries, outline, before, after } = parts;
  const checker = program.getTypeChecker();
  const names = new Map([...before].map(([name, symbol]) => [symbol, name]));
  const isSameExport = (old: ts.Symbol, next: ts.Symbol): boolean => {
    const name = names.get(old);
    return name !== undefined && after.get(name) === next;
  };
  const directions = referencedTypes(checker, valueDeclarations(before), (node) =>
    isWithin(node.getSourceFile().fileName, pair.from),
  );
  return {
    pair,
    subpath: entries.from.subpath,
    program,
    checker,
    declaredType: (side, name, symbol) =>
      outline.instantiated(program, side, name) ?? checker.getDeclaredTypeOfSymbol(symbol),
    // A type that no function takes or gives is for consumers to use either way.
    directionsOf: (symbol) => directions.get(symbol) ?? BOTH,
    isUnchanged: (old, next) => unchanged({ checker, isSameExport }, old, next),
  };
}

const BOTH: Directions = new Set(["input", "output"] as const);

function valueDeclarations(exported: Exports): ts.Node[] {
  return [...exported.values()]
    .filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
    .flatMap((symbol) => symbol.declarations ?? [])
    .filter((node) => !ts.isSourceFile(node));
}
