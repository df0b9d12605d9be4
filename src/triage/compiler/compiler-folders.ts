import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { dependencyFolders } from "../package/installed-folders.ts";

const require = createRequire(import.meta.url);

/** Where the compiler's own declarations of the language are. */
export const LIBRARY = dirname(require.resolve("typescript"));

/**
 * The declarations of Node that came with triaged: for a tree that has none installed, as what
 * is extracted from a commit never does. Null where none came.
 */
export const NODE_TYPES: string | null = folderOf("@types/node");

/** What the compiler reads in every analysis, beside what it is about. */
export const COMPILER_FOLDERS: readonly string[] = [
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
