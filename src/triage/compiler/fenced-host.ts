import type ts from "typescript";
import type { Fence } from "../fence.ts";

/**
 * The disk as the compiler sees it, for its programs, its resolver and its reading of tsconfig
 * files alike: what is within the fence.
 */
export function fencedHost(fence: Fence) {
  return {
    fileExists: (path) => fence.fileExists(path),
    readFile: (path) => fence.readFile(path),
    directoryExists: (path) => fence.directoryExists(path),
    getDirectories: (path) => fence.foldersIn(path),
    realpath: (path) => fence.realpath(path),
    // No pattern of a tsconfig is walked: which files are compiled is for the analysis to say.
    readDirectory: (): string[] => [],
  } satisfies ts.ModuleResolutionHost & Pick<ts.ParseConfigHost, "readDirectory">;
}
