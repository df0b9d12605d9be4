import { posix, relative } from "node:path";
import ts from "typescript";
import { scriptOf } from "./component-scripts.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import type { ImportUse } from "./imports.ts";
import type { Projects } from "./projects.ts";
import { jsonObjectIn, objectIn, stringsIn } from "./settings-values.ts";

/** How the files of a consumer import each other. */

const EXTENSIONS = [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"];
const WRITTEN = /\.[cm]?jsx?$/;

/** A package.json of the consumer that other files of it may import by its name. */
type Workspace = { readonly folder: string; readonly fields: Readonly<Record<string, unknown>> };

/** Where specifiers lead within the consumer's own tree, built or not. */
export class OwnModules {
  readonly #tree: ConsumerTree;
  readonly #projects: Projects;
  readonly #paths: ReadonlySet<string>;
  readonly #workspaces: ReadonlyMap<string, Workspace>;

  constructor(tree: ConsumerTree, projects: Projects) {
    this.#tree = tree;
    this.#projects = projects;
    this.#paths = new Set(tree.sources.map(({ path }) => path));
    const named = tree.manifests.map(({ path, text }) => {
      const fields = jsonObjectIn(text) ?? {};
      return [fields["name"], { folder: folderOf(path), fields }] as const;
    });
    this.#workspaces = new Map(
      named.flatMap(([name, workspace]) => (typeof name === "string" ? [[name, workspace]] : [])),
    );
  }

  /** The file behind a specifier in a file, relative to the root; null if it is not the tree's. */
  find(path: string, specifier: string): string | null {
    if (specifier.startsWith(".")) {
      const target = posix.join(posix.dirname(path), specifier);
      return this.#at(target) ?? this.#byRootDirs(path, target);
    }
    if (specifier.startsWith("#")) return this.#mapped(path, specifier);
    return this.#workspace(specifier) ?? this.#byPaths(path, specifier);
  }

  #at(base: string): string | null {
    const stem = base.replace(WRITTEN, "");
    const tried = [
      base,
      ...(stem === base ? [] : EXTENSIONS.map((extension) => stem + extension)),
      ...EXTENSIONS.map((extension) => base + extension),
      ...EXTENSIONS.map((extension) => posix.join(base, `index${extension}`)),
    ];
    return tried.find((path) => this.#paths.has(path)) ?? null;
  }

  /** In another of the folders that are one when the code is built. */
  #byRootDirs(path: string, target: string): string | null {
    const { rootDirs = [] } = this.#projects.ownerOf(path).options;
    const folders = rootDirs.map((folder) => relative(this.#tree.root, folder));
    const own = folders.find((folder) => isAbove(folder, target));
    if (own === undefined) return null;
    const inside = posix.relative(own, target);
    for (const folder of folders) {
      const found = this.#at(posix.join(folder, inside));
      if (found !== null) return found;
    }
    return null;
  }

  /** By `imports` of the package.json above. */
  #mapped(path: string, specifier: string): string | null {
    for (const { path: manifest, text } of this.#tree.manifests) {
      const folder = folderOf(manifest);
      if (!isAbove(folder, path)) continue;
      const imports = objectIn(jsonObjectIn(text)?.["imports"]) ?? {};
      const found = this.#byPatterns(imports, specifier, folder);
      if (found !== null) return found;
    }
    return null;
  }

  #byPaths(path: string, specifier: string): string | null {
    const { options, path: config } = this.#projects.ownerOf(path);
    const baseUrl =
      options.baseUrl === undefined ? null : relative(this.#tree.root, options.baseUrl);
    const base = baseUrl ?? folderOf(config);
    return (
      this.#byPatterns(options.paths ?? {}, specifier, base) ??
      (baseUrl === null ? null : this.#at(posix.join(baseUrl, specifier)))
    );
  }

  #byPatterns(
    patterns: Readonly<Record<string, unknown>>,
    specifier: string,
    folder: string,
  ): string | null {
    for (const [key, value] of Object.entries(patterns)) {
      const [start = "", end] = key.split("*", 2);
      const fits =
        end === undefined
          ? specifier === key
          : specifier.startsWith(start) && specifier.endsWith(end);
      if (!fits) continue;
      const star = specifier.slice(start.length, specifier.length - (end?.length ?? 0));
      for (const target of stringsIn(value)) {
        const found = this.#at(
          posix.join(
            folder,
            target.replace("*", () => star),
          ),
        );
        if (found !== null) return found;
      }
    }
    return null;
  }

  /** By the name of a package of the same repository: its entry, or what that is built from. */
  #workspace(specifier: string): string | null {
    const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    const workspace = this.#workspaces.get(name);
    if (workspace === undefined) return null;
    const { folder, fields } = workspace;
    const subpath = `.${specifier.slice(name.length)}`;
    const map = objectIn(fields["exports"]);
    const listed =
      subpath === "."
        ? [map?.["."] ?? fields["exports"], fields["types"], fields["main"]]
        : [map?.[subpath]];
    const targets = [...stringsIn(listed), subpath === "." ? "./index" : subpath];
    for (const target of targets) {
      const built = target.replace(/^\.\//, "").replace(/(?:\.d)?\.[cm]?[jt]s$/, "");
      const parts = built.split("/");
      const sources = [built, ...parts.map((_, index) => posix.join("src", ...parts.slice(index)))];
      for (const source of sources) {
        const found = this.#at(posix.join(folder, source));
        if (found !== null) return found;
      }
    }
    return null;
  }

  /**
   * The files that can see a type of the package: those that import it, and those that import such
   * a file, the nearest first.
   */
  filesThatSee(uses: readonly ImportUse[]): string[] {
    const importers = this.#importers();
    const seeds = uses
      .filter(({ loadedBy }) => loadedBy !== "setting" && loadedBy !== "resolve")
      .map(({ path }) => path)
      .filter((path) => this.#paths.has(path));
    const found = new Set(seeds.toSorted());
    // What is added on the way is gone through as well.
    for (const path of found) {
      for (const importer of importers.get(path) ?? []) found.add(importer);
    }
    return [...found];
  }

  #importers(): ReadonlyMap<string, readonly string[]> {
    const importers = new Map<string, string[]>();
    for (const file of this.#tree.sources) {
      const { importedFiles, referencedFiles } = ts.preProcessFile(scriptOf(file).text, true, true);
      const named = [
        ...importedFiles.map(({ fileName }) => fileName),
        ...referencedFiles.map(({ fileName }) => `./${fileName}`),
      ];
      for (const specifier of new Set(named)) {
        const target = this.find(file.path, specifier);
        if (target === null) continue;
        const known = importers.get(target);
        if (known === undefined) importers.set(target, [file.path]);
        else known.push(file.path);
      }
    }
    return importers;
  }
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

function isAbove(folder: string, path: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}
