import { existsSync } from "node:fs";
import path from "node:path";

/**
 * The folder `sql/` of this package. Looked for upwards, because the emitted file lies one
 * folder deeper than the source.
 */
export function sqlFolder(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "sql");
    if (existsSync(path.join(candidate, "migrations"))) {
      return candidate;
    }
    if (folder === path.dirname(folder)) {
      throw new Error(`expected a folder sql/migrations above ${import.meta.dirname}, got none`);
    }
  }
}
