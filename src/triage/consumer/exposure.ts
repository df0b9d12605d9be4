import { dirname, join } from "node:path";
import semver from "semver";
import { z } from "zod";
import type { Exposure } from "../facts/analysis.ts";
import { jsonValueIn } from "../facts/json-text.ts";
import { Fence } from "../reading/fence.ts";
import { type Manifest, readPackageTree } from "../sources/npm/manifest.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import { declaredRange, type RangeSources, rangeSourcesOf } from "./declared-ranges.ts";
import { jsonObjectIn, objectIn } from "./settings-values.ts";

/** A name in the consumer's package.json that means the package, and its range. */
export type Dependency = { readonly key: string; readonly range: string };

/**
 * How a package.json depends on a package: under its own name, or as an alias
 * (`"retry-6": "npm:p-retry@^6"`), by a range of its own or of a catalog.
 */
function dependenciesOn(name: string, manifest: Manifest, sources: RangeSources): Dependency[] {
  const listed = {
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
    ...manifest.dependencies,
  };
  return Object.entries(listed).flatMap(([key, written]) => {
    const spec = declaredRange(key, written, sources);
    const alias = /^npm:(@?[^@]+)(?:@(.*))?$/.exec(spec);
    if (alias !== null) return alias[1] === name ? [{ key, range: alias[2] ?? "*" }] : [];
    return key === name ? [{ key, range: spec }] : [];
  });
}

/** Whether the consumer's range lets the new version in, and which version it has. */
export function exposureOf(
  root: string,
  dependencies: readonly Dependency[],
  newVersion: string,
): Exposure {
  const ranges = [...new Set(dependencies.map(({ range }) => range))];
  const readable = ranges.filter((range) => semver.validRange(range) !== null);
  return {
    range: ranges.length === 0 ? null : ranges.join(" || "),
    resolved: dependencies[0] === undefined ? null : resolvedVersion(root, dependencies[0].key),
    new: newVersion,
    // A git address, or a catalog that is nowhere, says nothing about versions.
    satisfies:
      readable.length === 0 ? null : readable.some((range) => semver.satisfies(newVersion, range)),
  };
}

const lockSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })),
});

/** From package-lock.json, else from what is installed in the consumer's own folder. */
function resolvedVersion(root: string, key: string): string | null {
  const fence = new Fence([root]);
  const lock = lockSchema.safeParse(
    jsonValueIn(fence.readFile(join(root, "package-lock.json")) ?? ""),
  );
  const locked = lock.data?.packages[`node_modules/${key}`]?.version;
  if (locked !== undefined) return locked;

  try {
    return readPackageTree(join(root, "node_modules", key), fence).manifest.version;
  } catch {
    return null; // not installed there, or elsewhere by a link
  }
}

/**
 * What the package.json files of a consumer say about a package: the root's first, then
 * its workspaces'. One below the root that does not parse is a fixture more often than a
 * workspace, and is passed over.
 */
export function dependenciesIn(tree: ConsumerTree, name: string, root: Manifest): Dependency[] {
  const below = tree.manifests
    .filter(({ path }) => path !== "package.json")
    .flatMap(({ path }) => readOrNothing(join(tree.root, dirname(path))));
  const manifests = [root, ...below];
  const sources = rangeSourcesOf(new Fence([tree.root]), tree.root, manifests);
  return manifests.flatMap((manifest) => dependenciesOn(name, manifest, sources));
}

function readOrNothing(directory: string): Manifest[] {
  try {
    return [readPackageTree(directory).manifest];
  } catch {
    return [];
  }
}

/**
 * Whether a package.json of the consumer pins the version of a package for whatever depends on it:
 * `overrides` of npm and pnpm, `resolutions` of Yarn.
 */
export function isPinned({ manifests }: Pick<ConsumerTree, "manifests">, name: string): boolean {
  return manifests.some(({ text }) => {
    const fields = jsonObjectIn(text) ?? {};
    const pnpm = objectIn(fields["pnpm"])?.["overrides"];
    const keys = [fields["overrides"], fields["resolutions"], pnpm].flatMap((one) => keysIn(one));
    // `a>p`, `**/p`, `p@^1`.
    const meant = keys.map(
      (key) =>
        key
          .split(">")
          .at(-1)
          ?.replace(/^.*\*\//, "") ?? "",
    );
    return meant.some((key) => key === name || key.startsWith(`${name}@`));
  });
}

function keysIn(value: unknown, depth = 0): string[] {
  if (depth > DEPTH_MAX) return [];
  return Object.entries(objectIn(value) ?? {}).flatMap(([key, inner]) => [
    key,
    ...keysIn(inner, depth + 1),
  ]);
}

/** Overrides within each other that are looked at. */
const DEPTH_MAX = 8;
