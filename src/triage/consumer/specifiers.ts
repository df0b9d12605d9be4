import { isBuiltin } from "node:module";
import { posix } from "node:path";
import ts from "typescript";
import { subpathOf } from "../compiler/compiler-host.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import { jsonObjectIn, objectIn, stringsIn } from "./settings-values.ts";

/** By which specifiers the files of a consumer mean a package. */
export type Specifiers = {
  /** The package's own name, what aliases in package.json call it, and what `@types/x` types. */
  readonly names: readonly string[];
  /** What a text must hold to mean the package at all. */
  readonly hints: readonly string[];
  /**
   * The subpath that a specifier asks of the package where it stands in a file: "." for the package
   * itself, "./sub"; null if it is about another one.
   */
  subpathIn(path: string, specifier: string): string | null;
  /** What an alias stands for where it is in a file; any other specifier as it is. */
  standsFor(path: string, specifier: string): string;
};

/**
 * A short name for a package, or for a part of it, that counts in a folder and below: a key of
 * `imports` in package.json, or of `paths` in a tsconfig that lead to what is installed.
 */
type Alias = {
  readonly folder: string;
  /** With one star at most. */
  readonly key: string;
  readonly target: string;
};

/** The name of the package whose types are published as `@types/…`; null for other packages. */
export function typedPackage(name: string): string | null {
  const bare = name.startsWith("@types/") ? name.slice("@types/".length) : null;
  if (bare === null) return null;
  return bare.includes("__") ? `@${bare.replace("__", "/")}` : bare;
}

/** Find what the consumer calls a package that it lists by `listed` names in its package.json. */
export function specifiersOf(
  name: string,
  listed: readonly string[],
  tree: Pick<ConsumerTree, "manifests" | "tsconfigs">,
): Specifiers {
  const typed = typedPackage(name);
  const names = [...new Set([name, ...listed, ...(typed === null ? [] : [typed])])];
  const aliases = [...importsAliases(tree, names), ...pathsAliases(tree, names)];
  const isNode = typed === "node";
  const standsFor = (path: string, specifier: string): string =>
    aliases
      .filter(({ folder }) => folder === "" || path.startsWith(`${folder}/`))
      .toSorted((left, right) => right.folder.length - left.folder.length)
      .map(({ key, target }) => substituted(specifier, key, target))
      .find((target) => target !== null) ?? specifier;
  return {
    names,
    hints: [
      ...names,
      ...aliases.map(({ key }) => key.split("*", 1)[0] ?? ""),
      ...(isNode ? ["import", "require", "reference"] : []),
    ],
    subpathIn(path, specifier) {
      // Its declarations are of modules, none of which has its name.
      if (isNode && isBuiltin(specifier)) return ".";
      return (
        partsOf(specifier)
          .map((part) => subpathOf(standsFor(path, part), names))
          .find((subpath) => subpath !== null) ?? null
      );
    },
    standsFor,
  };
}

/**
 * What a specifier asks for, without what it says to a tool: `npm:p@1/sub` of Deno, `p/a.css?inline`
 * of Vite, `a-loader!./b.css` of webpack, which names two modules.
 */
function partsOf(specifier: string): string[] {
  return specifier
    .split("!")
    .filter((part) => part !== "")
    .map((part) => (part.startsWith("#") ? part : (part.split("?", 1)[0] ?? part)))
    .map((part) => (part.startsWith("npm:") ? ofNpm(part.slice("npm:".length)) : part));
}

/** `p@1.0.0/sub` without the version. */
function ofNpm(specifier: string): string {
  const segments = (specifier.startsWith("/") ? specifier.slice(1) : specifier).split("/");
  const at = specifier.startsWith("@") ? 1 : 0;
  return segments
    .map((part, index) => (index === at ? (part.split("@", 1)[0] ?? part) : part))
    .join("/");
}

function substituted(specifier: string, key: string, target: string): string | null {
  const [start = "", end] = key.split("*", 2);
  if (end === undefined) return specifier === key ? target : null;
  const fits = specifier.startsWith(start) && specifier.endsWith(end);
  if (!fits || specifier.length < start.length + end.length) return null;
  return target.replace("*", () => specifier.slice(start.length, specifier.length - end.length));
}

function importsAliases(
  { manifests }: Pick<ConsumerTree, "manifests">,
  names: readonly string[],
): Alias[] {
  return manifests.flatMap(({ path, text }) =>
    Object.entries(objectIn(jsonObjectIn(text)?.["imports"]) ?? {}).flatMap(([key, value]) =>
      stringsIn(value)
        .filter((target) => key.startsWith("#") && subpathOf(target, names) !== null)
        .map((target) => ({ folder: folderOf(path), key, target })),
    ),
  );
}

const INSTALLED = "node_modules/";

function pathsAliases(
  { tsconfigs }: Pick<ConsumerTree, "tsconfigs">,
  names: readonly string[],
): Alias[] {
  return tsconfigs.flatMap(({ path, text }) => {
    const config: unknown = ts.parseConfigFileTextToJson(path, text).config;
    const paths = objectIn(objectIn(objectIn(config)?.["compilerOptions"])?.["paths"]) ?? {};
    return Object.entries(paths).flatMap(([key, value]) =>
      stringsIn(value)
        .map((target) => target.slice(target.lastIndexOf(INSTALLED) + INSTALLED.length))
        .filter((target) => subpathOf(target, names) !== null)
        .map((target) => ({ folder: folderOf(path), key, target })),
    );
  });
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}
