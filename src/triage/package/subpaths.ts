import { extname, join } from "node:path";
import { exports as resolveExports } from "resolve.exports";
import { Fence } from "../fence.ts";
import type { PackageTree } from "./manifest.ts";

/** How a package is loaded: the condition that its `exports` is asked with. */
export type LoadedBy = "import" | "require";

/** The public subpaths that `exports` spells out; patterns are left to what consumers import. */
export function declaredSubpaths(tree: PackageTree): string[] {
  const map = tree.manifest.exports;
  if (typeof map !== "object" || map === null || Array.isArray(map)) return ["."];
  const keys = Object.keys(map).filter((key) => key.startsWith(".") && !key.includes("*"));
  return keys.length === 0 ? ["."] : keys.toSorted();
}

/** Whether `exports` says what is public; without it every file is. */
export function hasMap({ manifest }: PackageTree): boolean {
  return manifest.exports !== undefined && manifest.exports !== null;
}

/** The file behind a subpath, relative to the package; null if it cannot be loaded that way. */
export function resolveSubpath(
  tree: PackageTree,
  subpath: string,
  loadedBy: LoadedBy,
): string | null {
  if (!hasMap(tree)) {
    return resolveLegacy(tree, subpath);
  }
  try {
    const options = { require: loadedBy === "require" };
    return resolveExports(tree.manifest, subpath, options)?.[0] ?? null;
  } catch {
    return null; // how resolve.exports says that there is no such subpath or condition
  }
}

/** Whether `require` gets CommonJS: what consumers in CommonJS could always rely on. */
export function loadsAsCommonJs(tree: PackageTree): boolean {
  const file = resolveSubpath(tree, ".", "require");
  if (file === null) return false;
  const extension = extname(file);
  if (extension === ".mjs") return false;
  return extension !== ".js" || tree.manifest.type !== "module";
}

/** Node's rules for packages without `exports`: every file is public. */
function resolveLegacy(tree: PackageTree, subpath: string): string | null {
  const target = subpath === "." ? (tree.manifest.main ?? "index") : subpath;
  const tried = ["", ".js", ".json", ".node", "/index.js", "/index.json"].map(
    (end) => target + end,
  );
  if (subpath === ".") tried.push("index.js");
  const fence = new Fence([tree.directory]);
  return tried.find((file) => fence.fileExists(join(tree.directory, file))) ?? null;
}
