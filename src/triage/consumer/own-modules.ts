import { isAbsolute, posix, relative } from "node:path";
import ts from "typescript";
import { isTest } from "../facts/file-kinds.ts";
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
  readonly #folders = new Map<string, readonly string[]>();

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
    const named = specifier.startsWith("#")
      ? this.#mapped(path, specifier)
      : this.#workspace(specifier);
    return named ?? this.#byPaths(path, specifier);
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
      const found = firstOf(targetsOf(imports, specifier), (target) =>
        this.#sourceOf(folder, target),
      );
      if (found !== null) return found;
    }
    return null;
  }

  #byPaths(path: string, specifier: string): string | null {
    const { options, path: config } = this.#projects.ownerOf(path);
    const baseUrl =
      options.baseUrl === undefined ? null : relative(this.#tree.root, options.baseUrl);
    const base = baseUrl ?? folderOf(config);
    const led = firstOf(targetsOf(options.paths ?? {}, specifier), (target) =>
      // `${configDir}` is an absolute path by now.
      this.#atOrSource(
        isAbsolute(target) ? relative(this.#tree.root, target) : posix.join(base, target),
      ),
    );
    return led ?? (baseUrl === null ? null : this.#at(posix.join(baseUrl, specifier)));
  }

  /** What stands at a path, or what the package around it builds it from. */
  #atOrSource(target: string): string | null {
    const found = this.#at(target);
    if (found !== null) return found;
    const around = [...this.#workspaces.values()]
      .map(({ folder }) => folder)
      .filter((folder) => folder !== "" && isAbove(folder, target))
      .toSorted((left, right) => right.length - left.length)[0];
    return around === undefined ? null : this.#sourceOf(around, posix.relative(around, target));
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
        ? stringsIn([map?.["."] ?? fields["exports"], fields["types"], fields["main"]])
        : targetsOf(map ?? {}, subpath);
    const targets = [...listed, subpath === "." ? "./index" : subpath];
    return firstOf(targets, (target) => this.#sourceOf(folder, target));
  }

  /**
   * What a package.json of the tree names, or the source that it is built from: in `src`, in the
   * folder that the package's tsconfig compiles, or else in the only one that has it.
   */
  #sourceOf(folder: string, target: string): string | null {
    const built = target.replace(/^\.\//, "").replace(/(?:\.d)?\.[cm]?[jt]sx?$/, "");
    const parts = built.split("/");
    const ends = parts.map((_, index) => posix.join(...parts.slice(index)));
    const named = ["src", this.#rootOf(folder)].filter((one) => one !== null);
    const sources = [built, ...named.flatMap((one) => ends.map((end) => posix.join(one, end)))];
    return (
      firstOf(sources, (source) => this.#at(posix.join(folder, source))) ??
      firstOf(ends, (end) => {
        const found = this.#foldersIn(folder)
          .map((one) => this.#at(posix.join(folder, one, end)))
          .filter((one) => one !== null);
        return found.length === 1 ? (found[0] ?? null) : null;
      })
    );
  }

  /** The folder whose files a package's tsconfig compiles; null where it does not say. */
  #rootOf(folder: string): string | null {
    const { rootDir } = this.#projects.ownerOf(posix.join(folder, "index.ts")).options;
    const own =
      rootDir === undefined ? null : posix.relative(folder, relative(this.#tree.root, rootDir));
    return own === null || own.startsWith("..") ? null : own;
  }

  #foldersIn(folder: string): readonly string[] {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const inside = [...this.#paths].filter((path) => isAbove(folder, path) && !isTest(path));
    const found = new Set(
      inside.flatMap((path) => {
        const [first = "", ...rest] = posix.relative(folder, path).split("/");
        return rest.length > 0 ? [first] : [];
      }),
    );
    this.#folders.set(folder, [...found]);
    return [...found];
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
      const { text } = scriptOf(file);
      const { importedFiles, referencedFiles } = ts.preProcessFile(text, true, true);
      const named = [
        ...importedFiles.map(({ fileName }) => fileName),
        ...referencedFiles.map(({ fileName }) => `./${fileName}`),
        ...[...text.matchAll(NAMED_MODULE)].map(([, specifier = ""]) => specifier),
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

/** What the scanner passes over: `export * as ns from "./a.js"`, and comments that name a type. */
const NAMED_MODULE = /\b(?:from|import|require) ?\(?["']([^"'\n]*)["']/g;

/** Where the keys of a map lead a specifier, with one star at most, in their order. */
function targetsOf(map: Readonly<Record<string, unknown>>, specifier: string): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    const [start = "", end] = key.split("*", 2);
    const fits =
      end === undefined
        ? specifier === key
        : specifier.startsWith(start) && specifier.endsWith(end);
    if (!fits) return [];
    const star = specifier.slice(start.length, specifier.length - (end?.length ?? 0));
    return stringsIn(value).map((target) => target.replace("*", () => star));
  });
}

function firstOf(
  targets: readonly string[],
  find: (target: string) => string | null,
): string | null {
  for (const target of targets) {
    const found = find(target);
    if (found !== null) return found;
  }
  return null;
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

function isAbove(folder: string, path: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}
