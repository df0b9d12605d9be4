import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { PermanentError } from "../../../index.ts";
import type { AnalysisRequest } from "../../facts/analysis.ts";
import { Fence, isBelow } from "../../reading/fence.ts";
import { type Manifest, type PackageTree, readPackageTree } from "./manifest.ts";

/** The two versions to compare. */
export type PackagePair = { readonly from: PackageTree; readonly to: PackageTree };

/**
 * Find both versions: at the paths that the request gives, else as installed copies.
 * Throws a PermanentError with a hint if one is missing or is another package or version.
 */
export function locatePackages(request: AnalysisRequest): PackagePair {
  const { name, from, to, fromPath, toPath } = request.package;
  const searchFrom = [request.consumer.path, ...request.searchFrom];
  return {
    from: locate({ name, version: from, path: fromPath, pathKey: "from_path" }, searchFrom),
    to: locate({ name, version: to, path: toPath, pathKey: "to_path" }, searchFrom),
  };
}

type Wanted = { name: string; version: string; path: string | null; pathKey: string };

function locate(wanted: Wanted, searchFrom: readonly string[]): PackageTree {
  if (wanted.path !== null) return readGiven(wanted, wanted.path);

  const folder = findInstalled(wanted, searchFrom);
  if (folder === null) throw notInstalled(wanted, searchFrom);
  return readPackageTree(folder);
}

function readGiven({ name, version, pathKey }: Wanted, path: string): PackageTree {
  const tree = readPackageTree(path);
  if (tree.manifest.name !== name || tree.manifest.version !== version) {
    const found = `${tree.manifest.name}@${tree.manifest.version}`;
    throw new PermanentError(
      `expected change_event.package.${pathKey} to hold ${name}@${version}, got ${found} (${path})`,
    );
  }
  return { ...tree, directory: realpathSync(path) };
}

function notInstalled({ name, version, pathKey }: Wanted, searchFrom: readonly string[]): Error {
  const major = version.split(".")[0];
  return new PermanentError(
    `${name}@${version} is not installed in any node_modules at or above ${searchFrom.join(", ")}; ` +
      `hint: npm install --save-dev ${name}-${major}@npm:${name}@${version}, or give its folder as ` +
      `change_event.package.${pathKey}, then triaged retry`,
  );
}

/**
 * The folder of an installed copy of `name@version`, symbolic links resolved; null if there
 * is none. Looks in the node_modules of each start folder and of every folder above it: at
 * `<name>`, at copies below other packages, in pnpm's store, and at aliases
 * (`npm:<name>@…`), whose folder has another name but whose package.json has the true one. A
 * link counts that stays in the start folders and these node_modules.
 */
export function findInstalled(
  wanted: { readonly name: string; readonly version: string },
  startFolders: readonly string[],
): string | null {
  const folders = nodeModulesFolders(startFolders);
  const fence = new Fence([...startFolders, ...folders]);
  for (const folder of folders) {
    for (const candidate of candidates(folder, wanted.name)) {
      if (holds(candidate, wanted, fence)) return fence.realpath(candidate);
    }
  }
  return null;
}

function nodeModulesFolders(startFolders: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const start of startFolders) {
    for (let folder = start; ; folder = dirname(folder)) {
      folders.add(join(folder, "node_modules"));
      if (dirname(folder) === folder) break;
    }
  }
  return [...folders].filter((folder) => existsSync(folder));
}

/** The likely places first: reading the whole folder is needed for aliases alone. */
function* candidates(folder: string, name: string): Generator<string> {
  yield join(folder, name);
  const installed = packagesIn(folder);
  for (const path of installed) yield join(path, "node_modules", name);
  for (const entry of entriesOf(join(folder, ".pnpm"))) {
    yield join(folder, ".pnpm", entry, "node_modules", name);
  }
  yield* installed;
}

function packagesIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => !entry.startsWith("."))
    .flatMap((entry) =>
      entry.startsWith("@")
        ? entriesOf(join(folder, entry)).map((scoped) => join(folder, entry, scoped))
        : [join(folder, entry)],
    );
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return []; // absent, or a file
  }
}

type WantedVersion = { readonly name: string; readonly version: string };

function holds(folder: string, wanted: WantedVersion, fence: Fence): boolean {
  try {
    const manifest: unknown = JSON.parse(fence.readFile(join(folder, "package.json")) ?? "");
    return (
      typeof manifest === "object" &&
      manifest !== null &&
      "name" in manifest &&
      "version" in manifest &&
      manifest.name === wanted.name &&
      manifest.version === wanted.version
    );
  } catch {
    return false; // no package there, or one that nobody could import either
  }
}

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
export function typesOf(name: string): string {
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
