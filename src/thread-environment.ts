import { getCompileCacheDir } from "node:module";
import path from "node:path";
import { environmentWith } from "./config.ts";

/**
 * The environment for a thread: unlike what runs in its process, a thread is told of Node's
 * compile cache by a variable alone, in which Node adds a folder for its own version.
 */
export function threadEnvironment(): Record<string, string | undefined> {
  const folder = getCompileCacheDir();
  return environmentWith(folder === undefined ? {} : { NODE_COMPILE_CACHE: path.dirname(folder) });
}
