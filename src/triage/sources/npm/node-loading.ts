/**
 * How Node loads a package: which file, in which format, by which loader. Its rules, applied to
 * what is there; nothing is run.
 * https://nodejs.org/api/esm.html#resolution-algorithm-specification
 */
import { extname, join, posix } from "node:path";
import { initSync, parse } from "es-module-lexer";
import { exports as resolveExports } from "resolve.exports";
import { Fence } from "../../reading/fence.ts";
import { hasMap, type LoadedBy, type PackageTree, readPackageTree } from "./manifest.ts";
import { isRangeWithin } from "./ranges.ts";

initSync();

/** As what Node runs a file. */
export type ModuleFormat = "commonjs" | "module" | "json" | "addon";

/** A file that Node loads. `path` is relative to the package, with slashes. */
export type LoadedFile = { readonly path: string; readonly format: ModuleFormat };

/**
 * Versions of Node whose `require` loads ES modules without a flag; before, it throws
 * ERR_REQUIRE_ESM.
 */
export const REQUIRES_MODULES = "^20.19.0 || ^22.12.0 || >=23.0.0";

/** Versions that ask `exports` for the condition "module-sync" first. */
const ASKS_MODULE_SYNC = "^20.19.0 || ^22.12.0 || >=23.0.0";

/** Whether all versions that a range lets in are such; null: the range does not say. */
export function allIn(own: string | null, versions: string): boolean | null {
  return own === null ? null : isRangeWithin(own, versions);
}

/** What Node makes of a load. */
type Resolution =
  | { readonly file: LoadedFile; readonly reason: null }
  /** No such subpath, condition or file; `reason` is the code of Node's error. */
  | { readonly file: null; readonly reason: string };

/** How a load is made: by which loader, and on which versions of Node. */
export type Loading = { readonly by: LoadedBy; readonly node: string | null };

/** The file behind a subpath, as one of Node's two loaders finds it. */
export function resolveLoad(tree: PackageTree, subpath: string, loading: Loading): Resolution {
  const fence = new Fence([tree.directory]);
  if (!hasMap(tree)) {
    const path =
      loading.by === "require" ? required(tree, subpath, fence) : imported(tree, subpath, fence);
    return path === null ? notFound("ERR_MODULE_NOT_FOUND") : found(tree, path, fence);
  }
  const path = mapped(tree, subpath, loading);
  if (path === null) return notFound("ERR_PACKAGE_PATH_NOT_EXPORTED");
  return isFile(tree, path, fence) ? found(tree, path, fence) : notFound("ERR_MODULE_NOT_FOUND");
}

function notFound(reason: string): Resolution {
  return { file: null, reason };
}

function found(tree: PackageTree, path: string, fence: Fence): Resolution {
  return {
    file: { path: posix.normalize(path), format: formatOf(tree, path, fence) },
    reason: null,
  };
}

function mapped({ manifest }: PackageTree, subpath: string, { by, node }: Loading): string | null {
  const conditions = allIn(node, ASKS_MODULE_SYNC) === true ? ["module-sync"] : [];
  try {
    const options = { require: by === "require", conditions };
    return resolveExports(manifest, subpath, options)?.[0] ?? null;
  } catch {
    return null; // how resolve.exports says that there is no such subpath or condition
  }
}

const REQUIRED_ENDS = ["", ".js", ".json", ".node"];
const INDEX_ENDS = ["/index.js", "/index.json", "/index.node"];

/** `require` of a package without `exports`: a file, with an ending added, or a folder. */
function required(tree: PackageTree, subpath: string, fence: Fence): string | null {
  const there = (ends: readonly string[], path: string): string | null =>
    ends.map((end) => path + end).find((one) => isFile(tree, one, fence)) ?? null;
  const asFolder = (folder: string, main: string | undefined): string | null => {
    const entry = main === undefined ? null : posix.join(folder, main);
    const given = entry === null ? null : there([...REQUIRED_ENDS, ...INDEX_ENDS], entry);
    return given ?? there(INDEX_ENDS, folder);
  };
  if (subpath === ".") return asFolder(".", tree.manifest.main);
  return there(REQUIRED_ENDS, subpath) ?? asFolder(subpath, mainIn(tree, subpath));
}

function mainIn({ directory }: PackageTree, folder: string): string | undefined {
  try {
    return readPackageTree(join(directory, folder)).manifest.main;
  } catch {
    return undefined; // no manifest of its own
  }
}

/** `import` of a package without `exports`: below it, exactly the file that is named. */
function imported(tree: PackageTree, subpath: string, fence: Fence): string | null {
  if (subpath !== ".") return isFile(tree, subpath, fence) ? subpath : null;
  const { main } = tree.manifest;
  const ends = ["", ".js", ".json", ".node", ...INDEX_ENDS];
  const given = main === undefined ? [] : ends.map((end) => main + end);
  return (
    [...given, "index.js", "index.json", "index.node"].find((one) => isFile(tree, one, fence)) ??
    null
  );
}

function isFile({ directory }: PackageTree, path: string, fence: Fence): boolean {
  return fence.fileExists(join(directory, path));
}

/**
 * By the ending; for `.js` by the `type` of the nearest package.json, and where that has none by
 * the syntax of the file, as Node does since 20.19 and 22.7.
 */
function formatOf(tree: PackageTree, path: string, fence: Fence): ModuleFormat {
  const ending = extname(path);
  if (ending === ".mjs") return "module";
  if (ending === ".json") return "json";
  if (ending === ".node") return "addon";
  if (ending !== ".js") return "commonjs";
  const type = nearestType(tree, path, fence);
  if (type === "module" || type === "commonjs") return type;
  const known = SYNTAX_FORMATS.get(tree) ?? new Map<string, ModuleFormat>();
  SYNTAX_FORMATS.set(tree, known);
  const syntax =
    known.get(path) ?? formatBySyntax(fence.readFile(join(tree.directory, path)) ?? "");
  known.set(path, syntax);
  return syntax;
}

/** By path: an entry of ten megabytes is asked for by each load, and is read and lexed once. */
const SYNTAX_FORMATS = new WeakMap<PackageTree, Map<string, ModuleFormat>>();

/** The nearest package.json counts, with a `type` or without. */
function nearestType(tree: PackageTree, path: string, fence: Fence): string | undefined {
  for (
    let folder = posix.dirname(posix.normalize(path));
    folder !== ".";
    folder = posix.dirname(folder)
  ) {
    const directory = join(tree.directory, folder);
    if (!fence.fileExists(join(directory, "package.json"))) continue;
    try {
      return readPackageTree(directory, fence).manifest.type;
    } catch {
      return undefined; // one that does not parse
    }
  }
  return tree.manifest.type;
}

function formatBySyntax(text: string): ModuleFormat {
  try {
    return parse(text)[3] ? "module" : "commonjs";
  } catch {
    return "commonjs"; // no ES module, or none that could be run
  }
}
