import ts from "typescript";
import type { Sources } from "../compiler/compiler-host.ts";
import { type Declared, declaredIn } from "../compiler/declarations.ts";
import { type Found, finding } from "../facts/finding.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import { manifestLine, type PackageTree } from "../sources/npm/manifest.ts";
import { resolveLoad } from "../sources/npm/node-loading.ts";
import { compareSurfaces, type SurfaceChange, type SurfaceDepth } from "./compare-surfaces.ts";
import { type Exports, providerLocation, subjectOf } from "./comparison.ts";
import { ModuleShapes } from "./loading/module-shape.ts";
import { codeBehind } from "./loading/runtime-code.ts";
import { moduleExports } from "./outline.ts";
import { codeWords } from "./step/code-words.ts";
import { companionPath, createSurfaceProgram, type EntryPair, entryOf } from "./surface-program.ts";

type SurfaceFindings = Omit<SurfaceChange, "exported"> & {
  /** Whether the old version's types are known, so that uses of members can be found. */
  readonly typed: boolean;
  /** Whether the new version declares what the old one left undeclared. */
  readonly isFirstTyped: boolean;
  readonly declared: Declared;
};

/** What changed behind each subpath: by types where both versions have them, else by names. */
export function surfaceFindings(
  pair: PackagePair,
  subpaths: readonly string[],
  settings: SurfaceDepth,
): SurfaceFindings {
  const changes = subpaths.map((subpath) => changeBehind(pair, subpath, settings));
  const exported = subpaths.flatMap((subpath, index): [string, Exports][] => {
    const symbols = changes[index]?.exported ?? null;
    return symbols === null ? [] : [[subpath, symbols]];
  });
  return {
    found: changes.flatMap(({ found }) => found),
    degraded: changes.flatMap(({ degraded }) => degraded),
    capsHit: changes.flatMap(({ capsHit }) => capsHit),
    isFirstTyped: subpaths.some((subpath) => isFirstTyped(pair, subpath, settings)),
    typed: changes.every(({ degraded }) => degraded.length === 0),
    declared: declaredIn(new Map(exported)),
  };
}

function isFirstTyped(pair: PackagePair, subpath: string, { sources }: SurfaceDepth): boolean {
  const [from, to] = [pair.from, pair.to].map((tree) => entryOf(tree, subpath, sources));
  return from?.typed === false && to?.typed === true;
}

const NOTHING: SurfaceChange = { found: [], degraded: [], capsHit: [], exported: null };

function changeBehind(pair: PackagePair, subpath: string, settings: SurfaceDepth): SurfaceChange {
  const from = entryOf(pair.from, subpath, settings.sources);
  const to = entryOf(pair.to, subpath, settings.sources);
  // A subpath that is gone is a finding of the manifest; one that never was is the probe's.
  if (from === null || to === null) return NOTHING;
  const entries = { from, to };
  if (from.typed && to.typed) return compareSurfaces(pair, entries, settings);
  if (from.typed) {
    return { ...NOTHING, found: [typesRemoved(pair, subpath)], degraded: [untyped(pair.to)] };
  }
  const degraded = [untyped(pair.from)];
  // A version that brings its first declarations cannot be held against guessed types.
  return to.typed
    ? { ...NOTHING, degraded }
    : { ...NOTHING, found: compareNames(pair, entries, settings.sources), degraded };
}

function typesRemoved({ to }: PackagePair, subpath: string): Found {
  return {
    finding: finding({
      rule: "pkg.types_removed",
      subject: subpath,
      breaking: "yes",
      provider: manifestLine(to.text, "types"),
      before: "type declarations",
    }),
    match: { by: "subpath", subpath },
  };
}

function untyped({ manifest }: PackageTree): string {
  return `${manifest.name}@${manifest.version}: no type declarations`;
}

/**
 * The exported names that are gone, of a package without declarations: the compiler reads
 * its JavaScript, `exports.x = …` and `module.exports = {…}` included. Types that it would
 * infer are no contract and are not compared.
 */
function compareNames(pair: PackagePair, entries: EntryPair, sources: Sources): Found[] {
  const { subpath } = entries.from;
  const text = `import * as all from ${JSON.stringify(pair.from.manifest.name + subpath.slice(1))};\n`;
  const { program } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    companion: { from: text, to: text },
    withLibrary: false,
    types: [],
  });
  const before = importedExports(program, pair.from);
  const after = importedExports(program, pair.to);
  const isThere = runtimeNames(pair.to, subpath);
  return [...before]
    .filter(([name]) => !after.has(name) && !isThere(name))
    .map(([name, symbol]) => ({
      finding: finding({
        rule: "js.export_removed",
        breaking: "yes",
        subject: subjectOf({ subpath }, name),
        provider: providerLocation({ pair }, "from", symbol.declarations ?? []),
        before: name,
      }),
      match: { by: "symbol", subpath, name, declarations: [] },
    }));
}

/**
 * Tells whether what the new version loads has a name, for all that its files show: the compiler
 * follows no `Object.assign(exports, …)`, nor names that are made by a list.
 */
function runtimeNames(tree: PackageTree, subpath: string): (name: string) => boolean {
  const ways = (["require", "import"] as const).flatMap((by) => {
    const { file } = resolveLoad(tree, subpath, { by, node: null });
    return file === null ? [] : [{ file, load: { subpath, by } }];
  });
  const shapes = new ModuleShapes(tree);
  const known = ways.map(({ file }) => shapes.shapeOf(file).members);
  const members = new Set(known.flatMap((names) => [...(names ?? [])]));
  if (!known.includes(null)) return (name) => members.has(name);
  const code = codeBehind(
    tree,
    ways.map(({ load }) => load),
  );
  const words = codeWords(code?.values() ?? []);
  return (name) => members.has(name) || words.members.has(name);
}

/** By way of an import: a file of CommonJS has no symbol of its own to ask for. */
function importedExports(program: ts.Program, tree: PackageTree): Map<string, ts.Symbol> {
  const statement = program.getSourceFile(companionPath(tree))?.statements[0];
  if (statement === undefined || !ts.isImportDeclaration(statement)) return new Map();
  const checker = program.getTypeChecker();
  const names = moduleExports(checker, checker.getSymbolAtLocation(statement.moduleSpecifier));
  const whole = names.get("default");
  if (whole === undefined || (whole.flags & ts.SymbolFlags.Alias) !== 0) return names;
  // `module.exports = {…}`: its members can be imported by name.
  for (const member of checker.getPropertiesOfType(checker.getTypeOfSymbol(whole))) {
    if (!names.has(member.name)) names.set(member.name, member);
  }
  return names;
}
