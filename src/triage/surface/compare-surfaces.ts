import ts from "typescript";
import type { Sources, UnresolvedImport } from "../compiler/compiler-host.ts";
import { declarationKey, declarationKeys } from "../compiler/declarations.ts";
import type { AnalysisRequest } from "../facts/analysis.ts";
import { type Found, finding } from "../facts/finding.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import { compareExport } from "./compare-export.ts";
import {
  byName,
  type Candidate,
  type Comparison,
  comparisonOf,
  type Exports,
  firstDeclarationText,
  type Known,
  partsOf,
  providerLocation,
  subjectOf,
} from "./comparison.ts";
import { fileExports, type Outline, outlineOf } from "./outline.ts";
import { createSurfaceProgram, type EntryPair, isWithin } from "./surface-program.ts";
import { TooManyTypes, TypeBudget, TypeMeter } from "./type-budget.ts";

export type SurfaceChange = {
  readonly found: readonly Found[];
  /** What kept the compiler from knowing the types. */
  readonly degraded: readonly string[];
  /** Names of the limits that ended comparisons of types. */
  readonly capsHit: readonly string[];
  /** What the old version declares; null where the two have no declarations to compare. */
  readonly exported: ReadonlyMap<string, ts.Symbol> | null;
};

export type SurfaceDepth = {
  readonly sources: Sources;
  readonly depth: AnalysisRequest["depth"];
  /** Whether the consumer uses a declaration of the old version, by its key. */
  readonly isUsed: (declaration: string) => boolean;
};

/** What changed in the declared surface behind one subpath that both versions type. */
export function compareSurfaces(
  pair: PackagePair,
  entries: EntryPair,
  { sources, depth, isUsed }: SurfaceDepth,
): SurfaceChange {
  const outline = outlineOf(pair, entries, sources);
  const known: Known = { budget: new TypeBudget(), unchanged: new Map(), directions: null };
  const rounds: Rounds = new Rounds(usedBy(isUsed), () =>
    openSurfaces({ pair, entries, sources, outline, known, isUsed, isLeft: rounds.isLeft }),
  );
  const opened = rounds.open();
  const { before, after, degraded } = opened;
  const about = { pair, subpath: entries.from.subpath };

  const gone = [...before].filter(([name]) => !after.has(name));
  const kept = new Set([...before].flatMap(([name, symbol]) => (after.has(name) ? [symbol] : [])));
  const candidates = depth === "names" ? [] : rounds.compare(opened);
  const replacements = replacementsIn(candidates, {
    removed: new Set(gone.map(([name]) => name)),
    offered: new Set(after.keys()),
  });
  const all = [
    ...gone.map(([name, symbol]) =>
      removed(about, name, {
        symbol,
        replacement: replacements.get(name) ?? null,
        isKept: kept.has(symbol),
      }),
    ),
    ...candidates.map(({ found }) => found),
    ...[...after]
      .filter(([name]) => !before.has(name))
      .map(([name, symbol]) => added(about, name, symbol)),
  ];
  const capsHit = known.budget.isOverrun ? ["surface_types"] : [];
  return { found: all, degraded, capsHit, exported: before };
}

/** Both versions in one program, and what is asked of it. */
type Opened = {
  readonly before: Exports;
  readonly after: Exports;
  readonly degraded: readonly string[];
  /** Null once nothing can be asked of its checker any more. */
  comparison: Comparison | null;
};

type IsSuch = (declarations: readonly ts.Node[]) => boolean;

type OpenSettings = {
  readonly pair: PackagePair;
  readonly entries: EntryPair;
  readonly sources: Sources;
  readonly outline: Outline;
  readonly known: Known;
  readonly isUsed: SurfaceDepth["isUsed"];
  /** Whether the comparison of a declaration is left for later. */
  readonly isLeft: IsSuch;
};

function openSurfaces({ outline, known, isUsed, isLeft, ...about }: OpenSettings): Opened {
  const { pair, entries, sources } = about;
  const { program, unresolved } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    companion: outline.companion,
    types: outline.types,
    withLibrary: true,
  });
  const meter = new TypeMeter(program);
  const before = fileExports(program, entries.from.file);
  const after = fileExports(program, entries.to.file);
  const parts = { pair, entries, outline, before, after, meter, known, isUsed, isLeft };
  return {
    before,
    after,
    degraded: [
      ...[entries.from, entries.to]
        .filter(({ file }) => program.getSourceFile(file) === undefined)
        .map(({ file }) => unreadEntry(pair, file)),
      ...degradedBy(pair, program, unresolved),
    ],
    comparison: comparisonOf(program, parts),
  };
}

function usedBy(isUsed: SurfaceDepth["isUsed"]): IsSuch {
  return (declarations) => declarations.some((node) => isUsed(declarationKey(node)));
}

/**
 * Compares all exports. A comparison that takes too much leaves a checker that nothing can be
 * asked of any more: another one goes on with the answers that there are, and first with what the
 * consumer uses, since the budget may end before all is compared.
 */
class Rounds {
  /** Open both versions, with a checker that has done nothing yet. */
  readonly open: () => Opened;
  readonly #isUsed: IsSuch;
  #usedFirst = false;

  constructor(isUsed: IsSuch, open: () => Opened) {
    this.#isUsed = isUsed;
    this.open = open;
  }

  readonly isLeft: IsSuch = (declarations) => this.#usedFirst && !this.#isUsed(declarations);

  compare(first: Opened): Candidate[] {
    let opened = first;
    let hasCut = false;
    for (;;) {
      try {
        const candidates = compareExports(opened);
        if (!this.#usedFirst) return candidates;
        this.#usedFirst = false;
      } catch (error) {
        if (!(error instanceof TooManyTypes)) throw error;
        // Before another one is made: it holds hundreds of megabytes.
        opened.comparison = null;
        globalThis.gc?.();
        if (!hasCut) this.#usedFirst = true;
        hasCut = true;
        opened = this.open();
      }
    }
  }
}

/** Exports of both versions; one with several names is told under the first of them. */
function compareExports({ comparison, before, after }: Opened): Candidate[] {
  const candidates = comparison === null ? [] : eachExport(comparison, before, after);
  // Two exports may inherit from a type that has no name outside.
  return [...new Map(candidates.map((one) => [one.found.finding.id, one])).values()];
}

function eachExport(comparison: Comparison, before: Exports, after: Exports): Candidate[] {
  const compared = new Set<ts.Symbol>();
  return byName(before).flatMap(([name, symbol]) => {
    const next = after.get(name);
    if (next === undefined || compared.has(symbol)) return [];
    compared.add(symbol);
    return compareExport(comparison, { name, before: symbol, after: next });
  });
}

function unreadEntry(pair: PackagePair, file: string): string {
  const { directory, manifest } = pair[isWithin(file, pair.from) ? "from" : "to"];
  return `${manifest.name}@${manifest.version}: ${file.slice(directory.length + 1)} was not read`;
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

type About = Pick<Comparison, "pair" | "subpath">;

function removed(about: About, name: string, { symbol, replacement, isKept }: Gone): Found {
  const declarations = symbol.declarations ?? [];
  return {
    finding: finding({
      rule: "ts.export_removed",
      breaking: "yes",
      subject: subjectOf(about, name),
      provider: providerLocation(about, "from", declarations),
      before: firstDeclarationText(declarations),
      replacement,
    }),
    match: {
      by: "symbol",
      subpath: about.subpath,
      name,
      declarations: isKept ? [] : declarationKeys(symbol),
    },
  };
}

function added(about: About, name: string, symbol: ts.Symbol): Found {
  const declarations = symbol.declarations ?? [];
  return {
    finding: finding({
      rule: "ts.added",
      breaking: "no",
      subject: subjectOf(about, name),
      provider: providerLocation(about, "to", declarations),
      after: firstDeclarationText(declarations),
    }),
    match: { by: "symbol", subpath: about.subpath, name, declarations: [] },
  };
}

/**
 * What stands where a removed type stood, by the removed name: read off the declarations
 * that changed, where `FailedAttemptError` and `RetryContext` are the argument of the same
 * callback. The name that takes its place most often wins, then the first by alphabet.
 */
function replacementsIn(
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
