import { relative } from "node:path";
import { placesIn } from "../compiler/called-places.ts";
import type { Sources, UnresolvedImport } from "../compiler/compiler-host.ts";
import { slashed } from "../compiler/declaration.ts";
import { subpathOf } from "../compiler/package-resolver.ts";
import type { Diagnostic } from "../finding.ts";
import { LIMITS } from "../limits.ts";
import type { PackagePair } from "../package/locate.ts";
import { type ConsumerOptions, consumerOptions } from "./compiler-options.ts";
import { createConsumerProgram } from "./consumer-program.ts";
import type { ImportUse } from "./imports.ts";
import { newDiagnostics } from "./new-diagnostics.ts";
import { settledPlaces } from "./settled-places.ts";
import type { ConsumerTree } from "./source-files.ts";
import { type SymbolUses, symbolUses } from "./symbol-uses.ts";

/** What the compiler says about the consumer. */
export type Probe = {
  readonly diagnostics: readonly Diagnostic[];
  readonly symbols: SymbolUses;
  /** Keys of lines that the compiler reads alike with both versions; see settled-places.ts. */
  readonly settled: ReadonlySet<string>;
  readonly options: ConsumerOptions["options"];
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

export type ProbeSettings = {
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
export function probeConsumer({ pair, tree, names, imports, sources }: ProbeSettings): Probe {
  const { root } = tree;
  const { options, degraded } = consumerOptions(root, sources.fence);
  const all = [...new Set(imports.map(({ path }) => path))].toSorted();
  if (all.length === 0) {
    return {
      diagnostics: [],
      symbols: new Map(),
      settled: new Set(),
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
    placesIn({ pair, root, fence: sources.fence }),
  );
  const broken = new Set(diagnostics.map(({ path }) => path));
  return {
    diagnostics,
    symbols: symbolUses(before.program, root),
    settled: settledPlaces({ programs, root, directory: pair.from.directory, broken }),
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
