import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type ts from "typescript";
import type { AnalysisRequest } from "../facts/analysis.ts";
import { Fence } from "../reading/fence.ts";
import { dependencyFolders, type PackagePair } from "../sources/npm/installed.ts";

const require = createRequire(import.meta.url);

/** Where the compiler's own declarations of the language are. */
export const LIBRARY = dirname(require.resolve("typescript"));

/**
 * The declarations of Node that came with triaged: for a tree that has none installed, as what
 * is extracted from a commit never does. Null where none came.
 */
export const NODE_TYPES: string | null = folderOf("@types/node");

/** Declarations that are the same in every analysis of a process. */
export const SHARED_FOLDERS: readonly string[] = [
  LIBRARY,
  ...(NODE_TYPES === null ? [] : [NODE_TYPES, ...dependencyFolders(NODE_TYPES)]),
];

function folderOf(name: string): string | null {
  try {
    return dirname(require.resolve(join(name, "package.json")));
  } catch {
    return null; // not installed
  }
}

/** All that an analysis may see: what it is about, and what that is compiled with. */
export function analysisFence(request: AnalysisRequest, root: string, pair: PackagePair): Fence {
  const { fromPath, toPath } = request.package;
  const installed = [
    ...(fromPath === null ? [pair.from] : []),
    ...(toPath === null ? [pair.to] : []),
  ];
  return new Fence([
    root,
    pair.from.directory,
    pair.to.directory,
    ...installed.flatMap(({ directory }) => dependencyFolders(directory)),
    ...(request.alsoReadable ?? []),
    ...Object.values(request.dependencies ?? {}).flatMap((links) => Object.values(links)),
    ...SHARED_FOLDERS,
  ]);
}

/**
 * The disk as the compiler sees it, for its programs, its resolver and its reading of tsconfig
 * files alike: what is within the fence.
 */
export function fencedHost(fence: Fence): FileHost {
  return {
    fileExists: (path) => fence.fileExists(path),
    readFile: (path) => fence.readFile(path),
    directoryExists: (path) => fence.directoryExists(path),
    getDirectories: (path) => fence.foldersIn(path),
    realpath: (path) => fence.realpath(path),
    // No pattern of a tsconfig is walked: which files are compiled is for the analysis to say.
    readDirectory: () => [],
  };
}

/** What the compiler asks of the disk. */
export type FileHost = Required<
  Pick<
    ts.ModuleResolutionHost,
    "fileExists" | "readFile" | "directoryExists" | "getDirectories" | "realpath"
  >
> &
  Pick<ts.ParseConfigHost, "readDirectory">;
