/**
 * The packages that a consumer's package.json files list, by their true names. Each file is text
 * of a stranger, so they are read in a process of its own: readEach(DEPENDENCY_NAMES, …).
 */
import { z } from "zod";
import { jsonValueIn } from "../facts/json-text.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import type { Reading } from "../reading/read-each.ts";
import { type Manifest, readPackageTree } from "../sources/npm/manifest.ts";
import { declaredRange, type RangeSources, rangeSourcesOf } from "./declared-ranges.ts";

/** By the path of a package.json below a folder; null: it does not parse. */
export const DEPENDENCY_NAMES: Reading<string, string, string[] | null> = {
  module: import.meta.url,
  name: "makeDependenciesIn",
};

const versions = z.record(z.string(), z.string()).catch({}).default({});
const manifest = z.looseObject({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});

export function makeDependenciesIn(root: string): (path: string) => string[] | null {
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  let known: RangeSources | null = null;
  // A catalog that takes too much costs the files that refer to it.
  const sources = (): RangeSources => (known ??= rangeSourcesOf(fence, root, ownManifest(root)));
  return (path) => {
    const text = fence.readFile(path);
    if (text === undefined) return [];
    const value = jsonValueIn(text);
    if (value === undefined) return null;
    const parsed = manifest.safeParse(value);
    if (!parsed.success) return [];
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = parsed.data;
    const listed = { ...peerDependencies, ...optionalDependencies, ...devDependencies };
    return Object.entries({ ...listed, ...dependencies }).map(([key, written]) => {
      const isReference = /^(?:catalog|workspace):/.test(written);
      const range = isReference ? declaredRange(key, written, sources()) : written;
      return /^npm:(@?[^@]+)/.exec(range)?.[1] ?? key;
    });
  };
}

/** None where it does not parse, which is told of it as of the others. */
function ownManifest(root: string): Manifest[] {
  try {
    return [readPackageTree(root).manifest];
  } catch {
    return [];
  }
}
