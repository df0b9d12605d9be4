import ts from "typescript";

/** A property of a type, over all constituents of a union that have it. */
export type Member = {
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
export function membersOf(
  checker: ts.TypeChecker,
  type: ts.Type,
  program: ts.Program,
): Map<string, Member> {
  const members = new Map<string, Member>();
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

function merged(checker: ts.TypeChecker, symbol: ts.Symbol, met: Member | undefined): Member {
  const optional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
  return {
    name: symbol.name,
    types: [...(met?.types ?? []), checker.getTypeOfSymbol(symbol)],
    optional: optional || met?.optional === true,
    symbols: [...(met?.symbols ?? []), symbol],
    declarations: [...new Set([...(met?.declarations ?? []), ...(symbol.declarations ?? [])])],
  };
}

function inLibrary(node: ts.Node, program: ts.Program): boolean {
  return program.isSourceFileDefaultLibrary(node.getSourceFile());
}
