import { dirname, join } from "node:path";
import { type Manifest, readPackageTree } from "../package/manifest.ts";
import { type Dependency, dependenciesOn } from "./exposure.ts";
import type { ConsumerTree } from "./source-files.ts";

/**
 * What the package.json files of a consumer say about a package: the root's first, then
 * its workspaces'. One below the root that does not parse is a fixture more often than a
 * workspace, and is passed over.
 */
export function dependenciesIn(tree: ConsumerTree, name: string, root: Manifest): Dependency[] {
  const below = tree.manifests
    .filter(({ path }) => path !== "package.json")
    .flatMap(({ path }) => readOrNothing(join(tree.root, dirname(path))));
  return [root, ...below].flatMap((manifest) => dependenciesOn(name, manifest));
}

function readOrNothing(directory: string): Manifest[] {
  try {
    return [readPackageTree(directory).manifest];
  } catch {
    return [];
  }
}
