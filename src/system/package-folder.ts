import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/**
 * The folder of this package: where package.json, docs/ and sql/ are. The same code runs
 * from src/ in a checkout and from dist/src/ in the published package.
 */
export function packageFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, "package.json"))) {
    const parent = path.dirname(folder);
    if (parent === folder) {
      throw new Error(`expected a package.json above ${import.meta.dirname}, got none`);
    }
    folder = parent;
  }
  return folder;
}

/** The handlers that come with triaged: TypeScript in a checkout, JavaScript when published. */
export function ownTasksFolder(): string {
  return path.join(import.meta.dirname, "..", "..", "tasks");
}

export function packageVersion(): string {
  const text = readFileSync(path.join(packageFolder(), "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
