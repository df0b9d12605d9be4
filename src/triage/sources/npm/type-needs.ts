/**
 * Which packages the declarations of a package import. Its files are text of strangers, and may be
 * many, so they are read in a process of their own: readEach(TYPE_NEEDS, …).
 */
import { readdirSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { Fence } from "../../reading/fence.ts";
import type { Reading } from "../../reading/read-each.ts";
import { typesOf } from "./installed.ts";
import { type Manifest, readPackageTree } from "./manifest.ts";

/** A package that declarations import, and the range that the importing package lists. */
export type TypeNeed = { readonly name: string; readonly range: string };

export type TypeNeeds = {
  readonly needs: readonly TypeNeed[];
  /** Whether the package has declarations of its own. */
  readonly isTyped: boolean;
};

/** A folder, and what in it is searched: a package's declarations, or a consumer's tsconfigs. */
export type SearchedFolder = {
  readonly path: string;
  readonly searched: "declarations" | "tsconfigs";
};

export const TYPE_NEEDS: Reading<undefined, SearchedFolder, TypeNeeds> = {
  module: import.meta.url,
  name: "makeTypeNeedsIn",
};

export function makeTypeNeedsIn(): typeof typeNeedsIn {
  return typeNeedsIn;
}

/** Files and bytes of one package that are searched for imports. */
const FILES_MAX = 3_000;
const BYTES_MAX = 30_000_000;

function typeNeedsIn({ path: folder, searched }: SearchedFolder): TypeNeeds {
  const fence = new Fence([folder]);
  const pattern = searched === "tsconfigs" ? TSCONFIG : SOURCE;
  const paths = [...pathsIn(folder, "", pattern)].slice(0, FILES_MAX);
  const declarations = paths.filter((path) => DECLARATION.test(path));
  const named = new Set<string>();
  let bytes = 0;
  // A repository has its sources in place of declarations.
  for (const path of declarations.length > 0 ? declarations : paths) {
    const text = fence.readFile(join(folder, path)) ?? "";
    bytes += text.length;
    if (bytes > BYTES_MAX) break;
    const names = searched === "tsconfigs" ? extendedNames(text) : importedNames(text);
    for (const name of names) named.add(name);
  }
  const manifest = manifestIn(folder, fence);
  const sorted = manifest === null ? [] : [...named].toSorted();
  return {
    needs: sorted.flatMap((name) => (manifest === null ? [] : needOf(name, manifest, searched))),
    isTyped: declarations.length > 0,
  };
}

const SOURCE = /\.[cm]?tsx?$/;
const DECLARATION = /\.d\.[cm]?ts$/;
const TSCONFIG = /^[jt]sconfig(?:[.-][\w.-]+)?\.json$/;

function* pathsIn(folder: string, below: string, pattern: RegExp): Generator<string> {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = join(below, entry.name);
    const isOwn = entry.name !== "node_modules" && !entry.name.startsWith(".");
    if (entry.isDirectory() && isOwn) yield* pathsIn(folder, path, pattern);
    else if (entry.isFile() && pattern.test(entry.name)) yield path;
  }
}

function manifestIn(folder: string, fence: Fence): Manifest | null {
  try {
    return readPackageTree(folder, fence).manifest;
  } catch {
    return null; // what has no package.json lists nothing
  }
}

const SPECIFIER =
  /(?:\bfrom|\bimport|\brequire|\bimport\s*\(|\brequire\s*\(|\b(?:types|path)=)\s*["']([^"'\s]+)["']/g;

/** Names of packages in what looks like an import; too many do no harm. */
function importedNames(text: string): string[] {
  return [...text.matchAll(SPECIFIER)]
    .map(([, specifier = ""]) => specifier)
    .filter((specifier) => !/^[./#]/.test(specifier) && !isBuiltin(specifier))
    .map(packageName);
}

function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

const EXTENDS = /"extends"\s*:\s*(?:"[^"]*"|\[[^[\]]*\])/g;

function extendedNames(text: string): string[] {
  return [...text.matchAll(EXTENDS)]
    .flatMap(([found]) => found.split('"').slice(3))
    .filter((part) => /^[@\w]/.test(part))
    .map(packageName);
}

/** Where the types of an imported name are, by what the package itself lists. */
function needOf(
  name: string,
  manifest: Manifest,
  searched: SearchedFolder["searched"],
): TypeNeed[] {
  const { peerDependencies, optionalDependencies, devDependencies, dependencies } = manifest;
  // What a package needs to be built, its declarations do not need.
  const own = searched === "tsconfigs" ? devDependencies : {};
  const listed = { ...own, ...peerDependencies, ...optionalDependencies, ...dependencies };
  const found = [typesOf(name), name].find((one) => Object.hasOwn(listed, one));
  const range = found === undefined ? undefined : listed[found];
  // Node's types are the same ones for all.
  if (found === undefined || range === undefined || found === "@types/node") return [];
  return [{ name: found, range }];
}
