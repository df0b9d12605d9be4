import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fence, isBelow } from "../fence.ts";
import { type Manifest, readPackageTree } from "./manifest.ts";

/** Packages that one package needs, and those need, that are looked at. */
const PACKAGES_MAX = 2_000;

/**
 * The node_modules above a folder, in which its packages may be as well. A link by that name is
 * none: who writes a repository could make one, and the folder may be in a copy of it.
 */
export function installedAbove(folder: string): string[] {
  const found: string[] = [];
  for (const above of foldersAbove(folder)) {
    const modules = join(above, "node_modules");
    if (isRealFolder(modules)) found.push(modules);
  }
  return found;
}

/**
 * The folders of the packages that an installed package needs, and those need, as Node finds
 * them: what its declarations may speak of. Of all that is installed beside it nothing else.
 */
export function dependencyFolders(directory: string): string[] {
  const fence = new Fence(installedAbove(directory));
  const known = new Map<string, string>();
  const open = [directory];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of namesNeeded(next)) {
      const folder = findFolder(name, next, fence);
      if (folder === null || known.has(folder)) continue;
      if (known.size >= PACKAGES_MAX) return [...known.keys()];
      const real = fence.realpath(folder);
      known.set(folder, real);
      open.push(real);
    }
  }
  return [...known.keys()];
}

function namesNeeded(directory: string): string[] {
  let manifest: Manifest;
  try {
    ({ manifest } = readPackageTree(directory));
  } catch {
    return []; // no package of which anything is known
  }
  const names = Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
  return ["@types/node", ...names.flatMap((name) => [name, typesOf(name)])];
}

/** Where declarations of a package without any are published. */
function typesOf(name: string): string {
  return `@types/${name.replace(/^@/, "").replace("/", "__")}`;
}

/** The path by which the package is found, which may be a link. */
function findFolder(name: string, from: string, fence: Fence): string | null {
  for (const above of foldersAbove(from)) {
    const modules = join(above, "node_modules");
    const folder = join(modules, name);
    if (folder !== modules && isBelow(modules, folder) && fence.directoryExists(folder)) {
      return folder;
    }
  }
  return null;
}

function foldersAbove(folder: string): string[] {
  const above: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    above.push(at);
    if (dirname(at) === at) return above;
  }
}

function isRealFolder(path: string): boolean {
  try {
    return realpathSync.native(path) === join(realpathSync.native(dirname(path)), "node_modules");
  } catch {
    return false; // not there
  }
}
