import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import type { PackageTree } from "../package/manifest.ts";
import { manifestLine } from "../package/manifest-line.ts";
import { compareNames } from "./compare-names.ts";
import { compareSurfaces, type SurfaceChange, type SurfaceDepth } from "./compare-surfaces.ts";
import type { Exports } from "./create-comparison.ts";
import { type Declared, declaredIn } from "./declared.ts";
import { entryOf } from "./surface-program.ts";

export type SurfaceFindings = Omit<SurfaceChange, "exported"> & {
  /** Whether the old version's types are known, so that uses of members can be found. */
  readonly typed: boolean;
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
    typed: changes.every(({ degraded }) => degraded.length === 0),
    declared: declaredIn(new Map(exported)),
  };
}

const NOTHING: SurfaceChange = { found: [], degraded: [], exported: null };

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
