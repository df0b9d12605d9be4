import { basename, join } from "node:path";
import type { AnalysisRequest, PackageLinks } from "../facts/analysis.ts";
import { type Fence, isBelow } from "../reading/fence.ts";
import { dependencyFolders, type PackagePair } from "../sources/npm/installed.ts";
import { type FileHost, fencedHost, NODE_TYPES, SHARED_FOLDERS } from "./analysis-fence.ts";

/**
 * What the files of one tree can find by a name. The trees of an analysis lie somewhere on the
 * disk, maybe within each other or below something that is installed: none of that is theirs, so
 * that the same trees find the same elsewhere.
 */
export type Scope = {
  /** Packages that are led to a folder, by name. */
  readonly links: ReadonlyMap<string, string>;
  /** The disk as far as it is theirs. */
  readonly host: FileHost;
};

export type Scopes = {
  /** The scope of a file, by where it lies. */
  of(path: string): Scope;
  /** Where all files find the types of Node: one folder for both versions. */
  readonly nodeTypes: string | null;
  /** What would be installed beside a version: all that it leads to, by name, the nearest first. */
  hoistedFor(directory: string): ReadonlyMap<string, string>;
};

/** The scopes of one analysis: the consumer's, each version's, each fetched package's. */
export function scopesOf(
  request: AnalysisRequest,
  fence: Fence,
  { root, pair }: { readonly root: string; readonly pair: PackagePair },
): Scopes {
  const { fromPath, toPath } = request.package;
  const also = request.alsoReadable ?? [];
  // What is installed above it, and the copy of the repository that it is in.
  const around = ({ directory }: PackagePair["from"]): string[] =>
    also.filter((folder) => isModulesFolder(folder) || isBelow(folder, directory));
  const links = request.dependencies ?? {};
  const fetched = Object.values(links).flatMap((found) => Object.values(found));
  const trees: (readonly string[])[] = [
    [root, ...also.filter(isModulesFolder)],
    [pair.from.directory, ...around(pair.from), ...neighbours(fromPath, pair.from)],
    [pair.to.directory, ...around(pair.to), ...neighbours(toPath, pair.to)],
    ...[...new Set(fetched)].map((folder) => [folder]),
    SHARED_FOLDERS,
  ];
  const scopes = trees.map((folders) => ({
    folders: [...new Set(folders.flatMap((folder) => [folder, fence.realpath(folder)]))],
    links: new Map(Object.entries(links[folders[0] ?? ""] ?? {})),
  }));
  const made = scopes.map(({ folders, links: found }) => ({
    links: found,
    host: hostWithin(fence, folders),
  }));
  const nothing: Scope = { links: new Map(), host: hostWithin(fence, []) };
  const own = [root, ...also.filter(isModulesFolder)]
    .map((folder) => join(folder.replace(/\/node_modules$/, ""), "node_modules/@types/node"))
    .find((folder) => fence.fileExists(join(folder, "index.d.ts")));
  return {
    nodeTypes: own ?? NODE_TYPES,
    hoistedFor: (directory) => reachedFrom(directory, links),
    of(path) {
      let best = { length: -1, scope: nothing };
      for (const [index, { folders }] of scopes.entries()) {
        const scope = made[index];
        for (const folder of folders) {
          if (scope === undefined || folder.length <= best.length || !isBelow(folder, path))
            continue;
          best = { length: folder.length, scope };
        }
      }
      return best.scope;
    },
  };
}

function isModulesFolder(folder: string): boolean {
  return basename(folder) === "node_modules";
}

/** An installed copy has what it needs beside it; one that was given or fetched has nothing. */
function neighbours(given: string | null, { directory }: PackagePair["from"]): string[] {
  return given === null ? dependencyFolders(directory) : [];
}

function reachedFrom(directory: string, links: PackageLinks): ReadonlyMap<string, string> {
  const reached = new Map<string, string>();
  const open = [directory];
  // What is added on the way is gone through as well.
  for (const folder of open) {
    for (const [name, target] of Object.entries(links[folder] ?? {})) {
      if (!reached.has(name)) reached.set(name, target);
      if (!open.includes(target)) open.push(target);
    }
  }
  return reached;
}

/** The disk below some folders; of those above them nothing else is there. */
function hostWithin(fence: Fence, folders: readonly string[]): FileHost {
  const host = fencedHost(fence);
  const isWithin = (path: string): boolean => folders.some((folder) => isBelow(folder, path));
  const isOnTheWay = (path: string): boolean => folders.some((folder) => isBelow(path, folder));
  return {
    ...host,
    fileExists: (path) => isWithin(path) && host.fileExists(path),
    readFile: (path) => (isWithin(path) ? host.readFile(path) : undefined),
    directoryExists: (path) => (isWithin(path) ? host.directoryExists(path) : isOnTheWay(path)),
    getDirectories: (path) => (isWithin(path) ? host.getDirectories(path) : []),
  };
}
