import { relative } from "node:path";
import type ts from "typescript";
import { type Sources, subpathOf, type UnresolvedImport } from "../compiler/compiler-host.ts";
import { slashed } from "../compiler/declarations.ts";
import {
  type Found,
  type Location,
  lineKey,
  type NewError,
  sortedLocations,
} from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import type { ConsumerFile, ConsumerTree } from "./consumer-files.ts";
import { type ConsumerProgram, createConsumerProgram } from "./consumer-program.ts";
import { escapedUses } from "./escaped-uses.ts";
import type { ImportUse } from "./imports.ts";
import { folderLabels, newErrors } from "./new-errors.ts";
import { OwnModules } from "./own-modules.ts";
import { type Project, Projects } from "./projects.ts";
import { mergedSilent, silentChanges } from "./silent-changes.ts";
import type { Specifiers } from "./specifiers.ts";
import { type SymbolUses, symbolUses } from "./symbol-uses.ts";
import { unaffectedLines } from "./unaffected-lines.ts";

/** What the compiler says about the consumer. */
export type ConsumerProbe = {
  readonly errors: readonly NewError[];
  readonly symbols: SymbolUses;
  /** Where something is used that the package declares, imported there or not. */
  readonly seen: readonly Location[];
  /** Keys of lines that the compiler reads alike with both versions; see symbol-uses.ts. */
  readonly unaffected: ReadonlySet<string>;
  /** What no compiler objects to, and no comparison of the versions tells. */
  readonly silent: readonly Found[];
  /** What a file of the consumer is compiled with. */
  readonly optionsOf: (path: string) => ts.CompilerOptions;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

type ProbeSettings = {
  readonly pair: PackagePair;
  readonly tree: ConsumerTree;
  readonly specifiers: Specifiers;
  readonly imports: readonly ImportUse[];
  readonly sources: Sources;
};

/**
 * Compile the files of the consumer that can see a type of the package against the old and against
 * the new version, each in the project that it belongs to. Nothing is installed: imports of the
 * package are led to the version's folder.
 */
export function probeConsumer(settings: ProbeSettings): ConsumerProbe {
  const { pair, tree, specifiers, sources } = settings;
  const projectsWith = ({ directory }: PackagePair["from"]): Projects =>
    new Projects({ tree, sources, view: { names: specifiers.names, directory } });
  const projects = { before: projectsWith(pair.from), after: projectsWith(pair.to) };
  const modules = new OwnModules(tree, projects.before);
  const all = filesToCompile(settings, modules);
  const files = all.slice(0, LIMITS.compiledFilesMax);
  const parts = [...Map.groupBy(files, (path) => projects.before.ownerOf(path).path)].map(
    ([, paths]) => comparePart(settings, { paths, projects, modules }),
  );
  return {
    errors: parts.flatMap(({ errors }) => errors),
    symbols: mergedUses(parts.map(({ symbols }) => symbols)),
    seen: sortedLocations(parts.flatMap(({ seen }) => seen)),
    unaffected: new Set(parts.flatMap(({ unaffected }) => unaffected)),
    silent: mergedSilent(parts.flatMap(({ silent }) => silent)),
    optionsOf: (path) => projects.before.ownerOf(path).options,
    degraded: parts.flatMap(({ degraded }) => degraded),
    capsHit: all.length > files.length ? ["compiled_files"] : [],
  };
}

/** Those that can see a type of the package, the nearest first; all where it is ambient. */
function filesToCompile(
  { tree, imports, pair }: ProbeSettings,
  modules: OwnModules,
): readonly string[] {
  const seeing = modules.filesThatSee(imports);
  const settings = new Set(tree.tsconfigs.map(({ path }) => path));
  const isAmbient =
    imports.some((use) => use.isAmbient === true || settings.has(use.path)) ||
    pair.from.manifest.name.startsWith("@types/");
  const sees = new Set(seeing);
  const isGlobal =
    isAmbient || tree.sources.some((file) => sees.has(file.path) && reachesEverywhere(file));
  return isGlobal ? [...new Set([...seeing, ...tree.sources.map(({ path }) => path)])] : seeing;
}

/**
 * Whether what a file declares is seen without importing it: globals, augmentations of modules,
 * and declarations of a file that is no module.
 */
function reachesEverywhere({ path, text }: ConsumerFile): boolean {
  if (/\bdeclare\s{1,20}(?:global\b|module\s{1,20}["'])/.test(text)) return true;
  return /\.d\.[cm]?ts$/.test(path) && !/^(?:import|export)\b/m.test(text);
}

type Part = Pick<ConsumerProbe, "errors" | "symbols" | "seen" | "silent" | "degraded"> & {
  readonly unaffected: readonly string[];
};

type PartSettings = {
  /** Files of one project. */
  readonly paths: readonly string[];
  readonly projects: { readonly before: Projects; readonly after: Projects };
  readonly modules: OwnModules;
};

function comparePart(settings: ProbeSettings, { paths, projects, modules }: PartSettings): Part {
  const { pair, tree, specifiers, sources } = settings;
  const { root } = tree;
  const [first = ""] = paths;
  const projectOf = (side: "before" | "after"): Project => projects[side].ownerOf(first);
  const compile = (side: "before" | "after", directory: string): ConsumerProgram => {
    const project = projectOf(side);
    const files = [...paths, ...ambientFiles(tree, project, paths)];
    const part = { tree, files, sources, specifiers, modules };
    return createConsumerProgram(part, project.options, directory);
  };
  const before = compile("before", pair.from.directory);
  const after = compile("after", pair.to.directory);
  const labels = folderLabels(pair, { root, fence: sources.fence });
  const { errors, leftOut } = newErrors({ before, after }, { root, labels });
  const escaped = escapedUses({ before, after, root });
  const silent = silentChanges({ before, after, root, directory: pair.from.directory });
  const symbols = mergedUses([symbolUses(before, root), escaped, silent.overrides]);
  const broken = new Set([
    ...errors.map(({ diagnostic }) => lineKey(diagnostic)),
    ...[...escaped.values(), ...silent.overrides.values()].flat().map(lineKey),
  ]);
  const directories = [pair.from.directory, pair.to.directory];
  const missing = before.unresolved.filter(
    ({ specifier, containingFile }) =>
      subpathOf(specifier, specifiers.names) !== null && containingFile.startsWith(`${root}/`),
  );
  return {
    errors,
    symbols,
    silent: silent.found,
    seen: placesIn(symbols, pair.from.directory),
    unaffected: [...unaffectedLines({ before, after, root, directories, broken })],
    degraded: [
      ...projectOf("before").degraded,
      ...missing.map((one) => describe(one, pair, root)),
      ...leftOut,
    ],
  };
}

/** Declarations of a project that need not be imported to be seen. */
function ambientFiles(
  { sources }: ConsumerTree,
  project: Project,
  paths: readonly string[],
): string[] {
  const compiled = new Set(paths);
  return sources
    .map(({ path }) => path)
    .filter((path) => /\.d\.[cm]?ts$/.test(path) && !compiled.has(path) && project.owns(path));
}

function placesIn(symbols: SymbolUses, directory: string): Location[] {
  return [...symbols].flatMap(([key, places]) => (key.startsWith(`${directory}/`) ? places : []));
}

function mergedUses(parts: readonly SymbolUses[]): SymbolUses {
  const merged = new Map<string, Location[]>();
  for (const [key, places] of parts.flatMap((uses) => [...uses])) {
    merged.set(key, [...(merged.get(key) ?? []), ...places]);
  }
  return merged;
}

function describe(
  { containingFile, specifier }: UnresolvedImport,
  { from }: PackagePair,
  root: string,
): string {
  const path = slashed(relative(root, containingFile));
  return `${path}: "${specifier}" does not resolve in ${from.manifest.name}@${from.manifest.version}`;
}
