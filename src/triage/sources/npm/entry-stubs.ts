import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { Reading } from "../../reading/read-each.ts";
import { isSafePath } from "../tree-writer.ts";
import { type Manifest, readPackageTree } from "./manifest.ts";

/** In a process of its own, by a package's folder: see addEntryStubs. */
export const ENTRY_STUBS: Reading<undefined, string, string[]> = {
  module: import.meta.url,
  name: "makeAddEntryStubs",
};

export function makeAddEntryStubs(): typeof addEntryStubs {
  return addEntryStubs;
}

/** Entries of one package that are looked at. */
const TARGETS_MAX = 200;

/**
 * Have the entries of a package lead to its sources, where what they are built to is not
 * there: a repository rarely holds its `dist`. Writes declarations that re-export the source
 * into the package's folder, which must be a copy of ours. Resolves to the entries that stay
 * without: neither built nor with a source.
 */
export async function addEntryStubs(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (const target of targetsOf(manifestIn(folder)).slice(0, TARGETS_MAX)) {
    if (!isSafePath(target) || isThere(folder, target)) continue;
    const source = sourceOf(folder, target);
    if (source === null) missing.push(target);
    else await writeStub(folder, target, source);
  }
  return missing;
}

/** One that does not parse has no entries; the analysis says what is wrong with it. */
function manifestIn(folder: string): Manifest | null {
  try {
    return readPackageTree(folder).manifest;
  } catch {
    return null;
  }
}

const CODE = /\.(?:d\.)?[cm]?[jt]s$/;

/** Files that a package.json says are there, relative to it. Patterns name none. */
function targetsOf(manifest: Manifest | null): string[] {
  if (manifest === null) return [];
  const { exports, main } = manifest;
  const given = [...textsIn(exports), main, manifest["types"], manifest["typings"]];
  const named = given.filter((target) => typeof target === "string" && !target.includes("*"));
  const targets = named.map((target) => posix.normalize(String(target)));
  const all = targets.length === 0 ? ["index.js"] : targets;
  return [...new Set(all.map((target) => (posix.extname(target) ? target : `${target}.js`)))]
    .filter((target) => CODE.test(target))
    .toSorted();
}

function textsIn(exports: unknown): string[] {
  if (typeof exports === "string") return [exports];
  if (typeof exports !== "object" || exports === null) return [];
  return Object.values(exports).flatMap(textsIn);
}

/** Whether the file is there, or for a folder's name its index. */
function isThere(folder: string, target: string): boolean {
  const bare = target.replace(/\.js$/, "");
  return [target, `${bare}/index.js`, `${bare}/index.d.ts`].some((path) =>
    existsSync(join(folder, path)),
  );
}

/** The source that a built file is most likely made from: `dist/esm/a.js` from `src/a.ts`. */
function sourceOf(folder: string, target: string): string | null {
  const stem = target.replace(CODE, "");
  const parts = stem.split("/");
  for (let dropped = parts.length > 1 ? 1 : 0; dropped < parts.length; dropped++) {
    const rest = parts.slice(dropped).join("/");
    for (const place of ["src/", "source/", "lib/", ""]) {
      for (const extension of [".ts", ".mts", ".cts", ".tsx"]) {
        const path = `${place}${rest}${extension}`;
        if (existsSync(join(folder, path))) return path;
      }
    }
  }
  return null;
}

const HAS_DEFAULT = /^[ \t]*export\s+default\b|\bas\s+default\b/m;

/** A declaration, and beside a script the script itself, which only has to be there. */
async function writeStub(folder: string, target: string, source: string): Promise<void> {
  const path = declarationOf(target);
  const from = posix.relative(posix.dirname(target), source).replace(/tsx?$/, "js");
  const specifier = JSON.stringify(from.startsWith(".") ? from : `./${from}`);
  const hasDefault = HAS_DEFAULT.test(await readFile(join(folder, source), "utf8"));
  const lines = [
    `export * from ${specifier};`,
    ...(hasDefault ? [`export { default } from ${specifier};`] : []),
  ];
  await mkdir(dirname(join(folder, target)), { recursive: true });
  await write(join(folder, path), `${lines.join("\n")}\n`);
  if (path !== target) await write(join(folder, target), "");
}

/** Where TypeScript looks for the types of a script. */
function declarationOf(target: string): string {
  return target.replace(/(?<!\.d)\.([cm]?)[jt]s$/, ".d.$1ts");
}

/** Two entries may be made from one source: the first has written it. */
async function write(path: string, text: string): Promise<void> {
  if (!existsSync(path)) await writeFile(path, text, { flag: "wx", mode: 0o600 });
}
