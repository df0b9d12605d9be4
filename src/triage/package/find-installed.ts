import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fence } from "../fence.ts";

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

type Wanted = { readonly name: string; readonly version: string };

function holds(folder: string, wanted: Wanted, fence: Fence): boolean {
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
