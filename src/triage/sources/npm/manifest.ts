import { join, posix } from "node:path";
import { exports as resolveExports } from "resolve.exports";
import { z } from "zod";
import { PermanentError, withoutMark } from "../../../index.ts";
import type { Location } from "../../facts/finding.ts";
import { Fence } from "../../reading/fence.ts";

const names = z.record(z.string(), z.string()).catch({});

/** Of package.json what the rules read. A field of another shape counts as absent. */
const manifestSchema = z.looseObject({
  name: z.string().catch(""),
  version: z.string().catch(""),
  type: z.string().optional().catch(undefined),
  main: z.string().optional().catch(undefined),
  exports: z.unknown().optional(),
  bin: z
    .union([z.string(), z.record(z.string(), z.string())])
    .optional()
    .catch(undefined),
  engines: names.default({}),
  scripts: names.default({}),
  dependencies: names.default({}),
  devDependencies: names.default({}),
  optionalDependencies: names.default({}),
  peerDependencies: names.default({}),
  peerDependenciesMeta: z
    .record(z.string(), z.looseObject({ optional: z.boolean().optional() }))
    .catch({})
    .default({}),
});
export type Manifest = z.output<typeof manifestSchema>;

/** A package.json and where it is. */
export type PackageTree = {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly text: string;
};

/**
 * Read `directory`/package.json, within a fence. Throws a PermanentError that names the file and
 * what is wrong.
 */
export function readPackageTree(
  directory: string,
  fence: Fence = new Fence([directory]),
): PackageTree {
  const path = join(directory, "package.json");
  const text = fence.readFile(path);
  if (text === undefined) throw new PermanentError(`cannot read ${path}: ${fence.refusal(path)}`);
  return { directory, manifest: parseManifest(path, withoutMark(text)), text: withoutMark(text) };
}

function parseManifest(path: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PermanentError(`cannot parse ${path}: ${reasonOf(error)}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    throw new PermanentError(`cannot parse ${path}: expected a JSON object`);
  }
  return parsed.data;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Where a top-level key of a package.json stands. A line search and not a parser: the
 * manifest has parsed, and a key is indented least where it is top-level.
 */
export function manifestLine(text: string, key: string): Location {
  const lines = text.split("\n");
  const quoted = JSON.stringify(key);
  let best = { line: 1, indent: Number.POSITIVE_INFINITY };
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trimStart();
    const indent = line.length - trimmed.length;
    if (indent >= best.indent || !trimmed.startsWith(quoted)) continue;
    if (trimmed.slice(quoted.length).trimStart().startsWith(":"))
      best = { line: index + 1, indent };
  }
  return { path: "package.json", line: best.line };
}

/**
 * Where an entry of a top-level object of a package.json stands, `"react"` of `"dependencies"`.
 */
export function entryLine(
  { text }: Pick<PackageTree, "text">,
  key: string,
  entry: string,
): Location {
  const { path, line } = manifestLine(text, key);
  const quoted = JSON.stringify(entry);
  const below = text.split("\n").slice(line - 1);
  const end = below.findIndex((one) => one.includes("}"));
  const at = below.slice(0, end + 1).findIndex((one) => one.includes(quoted));
  return { path, line: line + Math.max(at, 0) };
}

/** The commands that a package installs. */
export function commandsOf({ manifest }: PackageTree): string[] {
  if (manifest.bin === undefined) return [];
  if (typeof manifest.bin === "string") return [manifest.name.replace(/^@[^/]*\//, "")];
  return Object.keys(manifest.bin).toSorted();
}

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

/** Files that are tried for a specifier of which only the ends are known. */
const ALIKE_MAX = 5;

/**
 * The subpaths that one with a star may stand for, `./locale/*.js`, the first few of the files that
 * are there; the package itself, where none is. Others as they are.
 */
export function subpathsLike({ directory }: PackageTree, subpath: string): string[] {
  const [start = "", end] = subpath.split("*", 2);
  if (end === undefined) return [subpath];
  const folder = posix.dirname(`${start}_`);
  const alike = new Fence([directory])
    .filesIn(join(directory, folder))
    .map((name) => `./${posix.join(folder, name)}`)
    .filter((path) => path.startsWith(start) && path.endsWith(end))
    .map((path) => (end === "" && !posix.extname(start) ? path.replace(/\.[cm]?js$/, "") : path));
  return alike.length === 0 ? ["."] : alike.slice(0, ALIKE_MAX);
}
