import { relative } from "node:path";
import ts from "typescript";
import { type Sources, subpathOf, type UnresolvedImport } from "../compiler/compiler-host.ts";
import { oneLine, slashed } from "../compiler/declarations.ts";
import { type Diagnostic, lineKey } from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";
import type { Fence } from "../reading/fence.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import {
  type ConsumerOptions,
  consumerOptions,
  createConsumerProgram,
  ownFiles,
} from "./consumer-program.ts";
import type { ImportUse } from "./imports.ts";
import { type SymbolUses, symbolUses } from "./symbol-uses.ts";
import { unaffectedLines } from "./unaffected-lines.ts";
import { writtenAt } from "./written-subject.ts";

/** What the compiler says about the consumer. */
export type ConsumerProbe = {
  readonly diagnostics: readonly Diagnostic[];
  readonly symbols: SymbolUses;
  /** Keys of lines that the compiler reads alike with both versions; see symbol-uses.ts. */
  readonly unaffected: ReadonlySet<string>;
  readonly options: ConsumerOptions["options"];
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

type ProbeSettings = {
  readonly pair: PackagePair;
  readonly tree: ConsumerTree;
  readonly names: readonly string[];
  readonly imports: readonly ImportUse[];
  readonly sources: Sources;
};

/**
 * Compile the consumer's importing files against the old and against the new version.
 * Nothing is installed: imports of the package are led to the version's folder. Types of
 * other packages that are not installed are `any` in both programs alike.
 */
export function probeConsumer({
  pair,
  tree,
  names,
  imports,
  sources,
}: ProbeSettings): ConsumerProbe {
  const { root } = tree;
  const { options, degraded } = consumerOptions(root, sources.fence);
  const all = [...new Set(imports.map(({ path }) => path))].toSorted();
  if (all.length === 0) {
    return {
      diagnostics: [],
      symbols: new Map(),
      unaffected: new Set(),
      options,
      degraded: [],
      capsHit: [],
    };
  }

  const importing = all.slice(0, LIMITS.importingFilesMax);
  const settings = { root, options, importing, sources, names };
  const before = createConsumerProgram(settings, pair.from.directory);
  const after = createConsumerProgram(settings, pair.to.directory);
  const programs = { before: before.program, after: after.program };
  const unresolved = before.unresolved.filter(
    ({ specifier, containingFile }) =>
      subpathOf(specifier, names) !== null && containingFile.startsWith(`${root}/`),
  );
  const diagnostics = newDiagnostics(
    programs,
    root,
    folderLabels({ pair, root, fence: sources.fence }),
  );
  const directories = [pair.from.directory, pair.to.directory];
  const broken = new Set(diagnostics.map(lineKey));
  return {
    diagnostics,
    symbols: symbolUses(before.program, root),
    unaffected: unaffectedLines({ programs, root, directories, broken }),
    options,
    degraded: [...degraded, ...unresolved.map((one) => describe(one, pair, root))],
    capsHit: all.length > importing.length ? ["importing_files"] : [],
  };
}

function describe(
  { containingFile, specifier }: UnresolvedImport,
  { from }: PackagePair,
  root: string,
): string {
  const path = slashed(relative(root, containingFile));
  return `${path}: "${specifier}" does not resolve in ${from.manifest.name}@${from.manifest.version}`;
}

/**
 * The compiler's errors in the consumer's files that only the new version brings. An error
 * is the same one if file, position and code are: its message may spell out the provider's
 * types and so differ, although the line was broken before.
 */
function newDiagnostics(
  programs: { readonly before: ts.Program; readonly after: ts.Program },
  root: string,
  places: FolderLabels,
): Diagnostic[] {
  const known = new Set(errorsIn(programs.before, root).map(keyOf));
  return errorsIn(programs.after, root)
    .filter((error) => !known.has(keyOf(error)))
    .map((error) => describeDiagnostic(error, root, places));
}

type LocatedDiagnostic = ts.Diagnostic & { file: ts.SourceFile; start: number };

function errorsIn(program: ts.Program, root: string): LocatedDiagnostic[] {
  return ownFiles(program, root)
    .flatMap((file) => program.getSemanticDiagnostics(file))
    .filter((found) => found.category === ts.DiagnosticCategory.Error)
    .filter((found): found is LocatedDiagnostic => found.file !== undefined);
}

function keyOf({ file, start, code }: LocatedDiagnostic): string {
  return `${file.fileName}:${start}:${code}`;
}

function describeDiagnostic(
  { file, start, code, messageText }: LocatedDiagnostic,
  root: string,
  places: FolderLabels,
): Diagnostic {
  const subject = writtenAt(file, start);
  return {
    path: slashed(relative(root, file.fileName)),
    line: file.getLineAndCharacterOfPosition(start).line + 1,
    code: `TS${code}`,
    message: oneLine(withFolderLabels(ts.flattenDiagnosticMessageText(messageText, " "), places)),
    ...(subject === null ? {} : { subject }),
  };
}

/** Folders of the worker, the longest first, and what they are called to others. */
type FolderLabels = readonly (readonly [folder: string, label: string])[];

type Known = { readonly pair: PackagePair; readonly root: string; readonly fence: Fence };

/** Every folder that the compiler may name: it has seen no other. */
function folderLabels({ pair, root, fence }: Known): FolderLabels {
  const labels = new Map([
    ...fence.folders.map((folder) => [folder, labelOf(folder)] as const),
    ...[pair.from, pair.to].map(
      ({ directory, manifest }) => [directory, `${manifest.name}@${manifest.version}`] as const,
    ),
    [root, "."],
  ]);
  return [...labels].toSorted(([left], [right]) => right.length - left.length);
}

/** A text of the compiler in which no folder of the worker is named. */
function withFolderLabels(text: string, places: FolderLabels): string {
  return places.reduce((told, [folder, label]) => {
    const inside = label === "." ? "" : `${label}/`;
    return told.replaceAll(`${folder}/`, () => inside).replaceAll(folder, () => label);
  }, text);
}

/** By what is installed there; of other folders nobody needs to know the name. */
function labelOf(folder: string): string {
  const at = folder.lastIndexOf("/node_modules");
  return at === -1 ? "…" : folder.slice(at + 1);
}
