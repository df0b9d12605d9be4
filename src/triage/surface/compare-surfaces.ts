import type ts from "typescript";
import type { AnalysisRequest } from "../analysis.ts";
import type { Sources, UnresolvedImport } from "../compiler/compiler-host.ts";
import { declarationKeys } from "../compiler/declaration.ts";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import { compareExport } from "./compare-export.ts";
import { type Candidate, type Comparison, placeIn, subjectOf, textOf } from "./comparison.ts";
import { comparisonOf, type Exports } from "./create-comparison.ts";
import { fileExports } from "./module-exports.ts";
import { outlineOf } from "./outline.ts";
import { replacementsIn } from "./replacements.ts";
import { createSurfaceProgram, type EntryPair, isWithin } from "./surface-program.ts";

export type SurfaceChange = {
  readonly found: readonly Found[];
  /** What kept the compiler from knowing the types. */
  readonly degraded: readonly string[];
  /** What the old version declares; null where the two have no declarations to compare. */
  readonly exported: ReadonlyMap<string, ts.Symbol> | null;
};

export type SurfaceDepth = {
  readonly sources: Sources;
  readonly depth: AnalysisRequest["depth"];
};

/** What changed in the declared surface behind one subpath that both versions type. */
export function compareSurfaces(
  pair: PackagePair,
  entries: EntryPair,
  { sources, depth }: SurfaceDepth,
): SurfaceChange {
  const outline = outlineOf(pair, entries, sources);
  const { program, unresolved } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    beside: outline.beside,
    types: outline.types,
    withLibrary: true,
  });
  const before = fileExports(program, entries.from.file);
  const after = fileExports(program, entries.to.file);
  const comparison = comparisonOf(program, { pair, entries, outline, before, after });

  const gone = [...before].filter(([name]) => !after.has(name));
  const kept = new Set([...before].flatMap(([name, symbol]) => (after.has(name) ? [symbol] : [])));
  const candidates = depth === "names" ? [] : compareExports(comparison, before, after);
  const replacements = replacementsIn(candidates, {
    removed: new Set(gone.map(([name]) => name)),
    offered: new Set(after.keys()),
  });
  const all = [
    ...gone.map(([name, symbol]) =>
      removed(comparison, name, {
        symbol,
        replacement: replacements.get(name) ?? null,
        isKept: kept.has(symbol),
      }),
    ),
    ...candidates.map(({ found }) => found),
    ...[...after]
      .filter(([name]) => !before.has(name))
      .map(([name, symbol]) => added(comparison, name, symbol)),
  ];
  return { found: all, degraded: degradedBy(pair, program, unresolved), exported: before };
}

/** Exports of both versions; one with several names is told under the first of them. */
function compareExports(comparison: Comparison, before: Exports, after: Exports): Candidate[] {
  const told = new Set<ts.Symbol>();
  return [...before].flatMap(([name, symbol]) => {
    const next = after.get(name);
    if (next === undefined || told.has(symbol)) return [];
    told.add(symbol);
    return compareExport(comparison, { name, before: symbol, after: next });
  });
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

type Gone = {
  readonly symbol: ts.Symbol;
  readonly replacement: string | null;
  /** Whether the same thing has another name, which stays: only who takes this name is hit. */
  readonly isKept: boolean;
};

function removed(
  comparison: Comparison,
  name: string,
  { symbol, replacement, isKept }: Gone,
): Found {
  const declarations = symbol.declarations ?? [];
  return {
    finding: finding({
      rule: "ts.export_removed",
      breaking: "yes",
      subject: subjectOf(comparison, name),
      provider: placeIn(comparison, "from", declarations),
      before: textOf(declarations),
      replacement,
    }),
    match: {
      by: "symbol",
      subpath: comparison.subpath,
      name,
      declarations: isKept ? [] : declarationKeys(symbol),
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
