import ts from "typescript";
import type { SourceCache, UnresolvedImport } from "../compiler/compiler-host.ts";
import { declarationKeys } from "../compiler/declaration.ts";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import { compareExport } from "./compare-export.ts";
import { type Comparison, placeIn, subjectOf, textOf } from "./comparison.ts";
import { moduleExports } from "./module-exports.ts";
import { type Outline, outlineOf } from "./outline.ts";
import { replacementsIn } from "./replacements.ts";
import { rootCauses } from "./root-causes.ts";
import { createSurfaceProgram, type Entry, type EntryPair, isWithin } from "./surface-program.ts";
import { type Directions, referencedTypes } from "./type-references.ts";

export type SurfaceChange = {
  readonly found: readonly Found[];
  /** What kept the compiler from knowing the types. */
  readonly degraded: readonly string[];
};

/** What changed in the declared surface behind one subpath that both versions type. */
export function compareSurfaces(
  pair: PackagePair,
  entries: EntryPair,
  cache: SourceCache,
): SurfaceChange {
  const outline = outlineOf(pair, entries, cache);
  const { program, unresolved } = createSurfaceProgram(pair, [entries.from, entries.to], {
    cache,
    beside: outline.beside,
    types: outline.types,
    withLibrary: true,
  });
  const comparison = comparisonOf(program, { pair, entries, outline });
  const before = exportsOf(comparison, entries.from);
  const after = exportsOf(comparison, entries.to);

  const gone = [...before].filter(([name]) => !after.has(name));
  const candidates = [...before].flatMap(([name, symbol]) => {
    const next = after.get(name);
    return next === undefined
      ? []
      : compareExport(comparison, { name, before: symbol, after: next });
  });
  const replacements = replacementsIn(candidates, {
    removed: new Set(gone.map(([name]) => name)),
    offered: new Set(after.keys()),
  });
  const all = [
    ...gone.map(([name, symbol]) => removed(comparison, name, symbol, replacements.get(name))),
    ...rootCauses(comparison, candidates, new Set(gone.map(([, symbol]) => symbol))).map(
      ({ found }) => found,
    ),
    ...[...after]
      .filter(([name]) => !before.has(name))
      .map(([name, symbol]) => added(comparison, name, symbol)),
  ];
  return { found: all, degraded: degradedBy(pair, program, unresolved) };
}

/** A builtin module has no file: its types are ambient, if they are there at all. */
function degradedBy(
  pair: PackagePair,
  program: ts.Program,
  unresolved: readonly UnresolvedImport[],
): string[] {
  const ambient = new Set(
    program
      .getTypeChecker()
      .getAmbientModules()
      .map(({ name }) => name.slice(1, -1)),
  );
  return unresolved
    .filter(({ specifier }) => !ambient.has(specifier))
    .map(({ containingFile, specifier }) => {
      const { name, version } = pair[isWithin(containingFile, pair.from) ? "from" : "to"].manifest;
      return `${name}@${version}: types of "${specifier}" not found`;
    });
}

type Parts = { pair: PackagePair; entries: EntryPair; outline: Outline };

function comparisonOf(program: ts.Program, { pair, entries, outline }: Parts): Comparison {
  const checker = program.getTypeChecker();
  const starts = valueDeclarations(checker, program.getSourceFile(entries.from.file));
  const directions = referencedTypes(checker, starts, (node) =>
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
  };
}

const BOTH: Directions = new Set(["input", "output"] as const);

function valueDeclarations(checker: ts.TypeChecker, file: ts.SourceFile | undefined): ts.Node[] {
  if (file === undefined) return [];
  return [...moduleExports(checker, file).values()]
    .filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
    .flatMap((symbol) => symbol.declarations ?? [])
    .filter((node) => !ts.isSourceFile(node));
}

function exportsOf({ program, checker }: Comparison, entry: Entry): Map<string, ts.Symbol> {
  const file = program.getSourceFile(entry.file);
  return file === undefined ? new Map() : moduleExports(checker, file);
}

function removed(
  comparison: Comparison,
  name: string,
  symbol: ts.Symbol,
  replacement: string | undefined,
): Found {
  const declarations = symbol.declarations ?? [];
  return {
    finding: finding({
      rule: "ts.export_removed",
      breaking: "yes",
      subject: subjectOf(comparison, name),
      provider: placeIn(comparison, "from", declarations),
      before: textOf(declarations),
      replacement: replacement ?? null,
    }),
    match: {
      by: "symbol",
      subpath: comparison.subpath,
      name,
      declarations: declarationKeys(symbol),
    },
  };
}

function added(comparison: Comparison, name: string, symbol: ts.Symbol): Found {
  const declarations = symbol.declarations ?? [];
  return {
    finding: finding({
      rule: "ts.added",
      breaking: "no",
      subject: subjectOf(comparison, name),
      provider: placeIn(comparison, "to", declarations),
      after: textOf(declarations),
    }),
    match: { by: "symbol", subpath: comparison.subpath, name, declarations: [] },
  };
}
