import { join, posix } from "node:path";
import semver from "semver";
import ts from "typescript";
import { fencedHost } from "../compiler/analysis-fence.ts";
import { type PackageView, type Sources, subpathOf } from "../compiler/compiler-host.ts";
import type { ConsumerFile, ConsumerTree } from "./consumer-files.ts";
import { matchesGlob } from "./glob.ts";
import { jsonObjectIn, objectIn, textsOf } from "./settings-values.ts";

/** Files that are compiled together, as one tsconfig says. */
export type Project = {
  /** Path of the tsconfig relative to the root; "" for what has none. */
  readonly path: string;
  readonly options: ts.CompilerOptions;
  /** Whether it has the file compiled. */
  owns(path: string): boolean;
  /** What was wrong with it. */
  readonly degraded: readonly string[];
};

/** For a consumer without a tsconfig: resolves what a bundler or Node would. */
const DEFAULTS: ts.CompilerOptions = {
  module: ts.ModuleKind.Preserve,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ESNext,
  jsx: ts.JsxEmit.Preserve,
  strict: true,
  allowImportingTsExtensions: true,
};

/** What the probe needs, whatever the consumer says. */
const FORCED: ts.CompilerOptions = {
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  isolatedDeclarations: false,
  skipLibCheck: true,
  // The compiler proves as much about JavaScript; only errors that are new are kept.
  allowJs: true,
  checkJs: true,
  // An option that this compiler calls outdated still says how the consumer builds.
  ignoreDeprecations: "6.0",
};

/** Where projects are read, and the version of the package that they may extend. */
type ProjectSettings = {
  readonly tree: ConsumerTree;
  readonly sources: Sources;
  readonly view: PackageView;
};

/** tsconfigs of one consumer that are read. */
const PROJECTS_MAX = 300;

/**
 * The projects of a consumer, those that win first: each `tsconfig.json` and what it refers to, and
 * where a folder has others alone, those. One that is only extended by others compiles nothing.
 */
export class Projects {
  readonly #settings: ProjectSettings;
  readonly #projects: readonly Project[];
  readonly #default: Project;

  constructor(settings: ProjectSettings) {
    this.#settings = settings;
    const configs = settings.tree.tsconfigs.slice(0, PROJECTS_MAX);
    const extended = new Set(configs.flatMap((config) => namedIn(config, "extends")));
    const referred = new Set(configs.flatMap((config) => namedIn(config, "references")));
    const rank = ({ path }: ConsumerFile): number =>
      isMain(path) ? 0 : referred.has(path) ? 1 : 2;
    this.#projects = configs
      .filter((config) => rank(config) < 2 || !extended.has(config.path))
      .toSorted((left, right) => rank(left) - rank(right))
      .map((config) => this.#read(config));
    this.#default = {
      path: "",
      options: { ...DEFAULTS, types: this.#ambientTypes(""), ...FORCED },
      owns: () => true,
      degraded: [],
    };
  }

  /**
   * The project that a file is compiled in, as editors choose it: the nearest that has it compiled,
   * else the nearest above it, whose options say the most about it.
   */
  ownerOf(path: string): Project {
    const above = this.#projects.filter((project) => isAbove(folderOf(project.path), path));
    const nearest = (from: readonly Project[]): Project | undefined =>
      from.toSorted((left, right) => folderOf(right.path).length - folderOf(left.path).length)[0];
    const owners = this.#projects.filter((project) => project.owns(path));
    return nearest(owners) ?? nearest(above) ?? this.#default;
  }

  #read({ path, text }: ConsumerFile): Project {
    const { tree, sources, view } = this.#settings;
    const file = join(tree.root, path);
    const { config, error } = ts.readConfigFile(file, () => text);
    if (error !== undefined) {
      return { ...this.#defaultFor(path), degraded: [`${path} does not parse`] };
    }
    const host = configHost(tree, { sources, view });
    const parsed = ts.parseJsonConfigFileContent(
      config,
      host,
      posix.dirname(file),
      undefined,
      file,
      undefined,
      COMPONENTS,
      // Without it, files that extend the same ones twice each take time without end.
      new Map(),
    );
    const files = new Set(parsed.fileNames.map((name) => posix.relative(tree.root, name)));
    const isMissing = parsed.errors.some(({ code }) => code === EXTENDED_FILE_NOT_FOUND);
    const options = this.#withAmbient(path, this.#withOlderDefaults(path, parsed.options));
    return {
      path,
      options: { ...options, ...FORCED },
      owns: (one) => files.has(one),
      degraded: isMissing ? [`${path} extends a file that is not there`] : [],
    };
  }

  #defaultFor(path: string): Project {
    const options = { ...DEFAULTS, types: this.#ambientTypes(path), ...FORCED };
    return { path, options, owns: () => false, degraded: [] };
  }

  /**
   * Before TypeScript 6 other options were the default: whoever is on it has not written down what
   * the consumer is compiled with.
   */
  #withOlderDefaults(path: string, options: ts.CompilerOptions): ts.CompilerOptions {
    const range = this.#listed(path).get("typescript");
    const least =
      range === undefined || semver.validRange(range) === null ? null : semver.minVersion(range);
    if (least === null || least.major >= 6) return options;
    const target = options.target ?? ts.ScriptTarget.ES5;
    const module =
      options.module ??
      (target >= ts.ScriptTarget.ES2015 ? ts.ModuleKind.ES2015 : ts.ModuleKind.CommonJS);
    const isOfNode = module >= ts.ModuleKind.Node16;
    return {
      strict: false,
      target,
      module,
      ...(isOfNode ? {} : { moduleResolution: ts.ModuleResolutionKind.Node10 }),
      ...(isOfNode ? {} : { esModuleInterop: false }),
      ...options,
    };
  }

  #withAmbient(path: string, options: ts.CompilerOptions): ts.CompilerOptions {
    const types = options.types?.filter((name) => name !== "*") ?? [];
    const isOpen = options.types === undefined || options.types.includes("*");
    return {
      ...options,
      types: [...new Set([...types, ...(isOpen ? this.#ambientTypes(path) : ["node"])])],
    };
  }

  /**
   * What is ambient where a tsconfig names nothing: the types that package.json lists, installed or
   * not, and Node's, which declarations speak of without saying so.
   */
  #ambientTypes(path: string): string[] {
    const listed = [...this.#listed(path).keys()].filter((name) => name.startsWith("@types/"));
    return ["node", ...listed.map((name) => name.slice("@types/".length))].toSorted();
  }

  /** What the package.json files above a file depend on, with their ranges. */
  #listed(path: string): Map<string, string> {
    const listed = new Map<string, string>();
    for (const { path: manifest, text } of this.#settings.tree.manifests) {
      if (!isAbove(folderOf(manifest), path)) continue;
      const fields = jsonObjectIn(text);
      for (const key of ["dependencies", "devDependencies", "peerDependencies"]) {
        for (const [name, range] of textsOf(fields?.[key])) listed.set(name, range);
      }
    }
    return listed;
  }
}

/** Components are compiled by what wraps the compiler, which its `include` names. */
const COMPONENTS: readonly ts.FileExtensionInfo[] = [".vue", ".svelte", ".astro", ".mdx"].map(
  (extension) => ({ extension, isMixedContent: true, scriptKind: ts.ScriptKind.Deferred }),
);

const EXTENDED_FILE_NOT_FOUND = 6053;

/** The tsconfig as it stands: extended packages are those under test, files are the tree's. */
function configHost(
  { root, sources: files }: ConsumerTree,
  { sources, view }: { readonly sources: Sources; readonly view: PackageView },
): ts.ParseConfigHost {
  const { readFile, fileExists } = fencedHost(sources.fence);
  const led = [
    ...view.names.map((name) => [name, view.directory] as const),
    ...sources.scopes.of(root).links,
  ];
  const provided = (path: string): string => {
    const installed = path.startsWith(`${root}/`) ? path.split("/node_modules/").at(-1) : undefined;
    if (installed === undefined || installed === path) return path;
    const [name, directory] = led.find(([known]) => subpathOf(installed, [known]) !== null) ?? [];
    return name === undefined || directory === undefined
      ? path
      : join(directory, installed.slice(name.length));
  };
  return {
    useCaseSensitiveFileNames: true,
    fileExists: (path) => fileExists(provided(path)),
    readFile: (path) => readFile(provided(path)),
    readDirectory: (folder, extensions, excludes, includes) => {
      const base = posix.relative(root, folder);
      const inTree = (pattern: string): string =>
        pattern.startsWith(`${root}/`) ? posix.relative(root, pattern) : posix.join(base, pattern);
      const isIn = (patterns: readonly string[] | undefined, path: string): boolean =>
        patterns?.some((pattern) => matchesGlob(inTree(pattern), path)) === true;
      return files
        .filter(({ path }) => extensions.some((extension) => path.endsWith(extension)))
        .filter(({ path }) => isIn(includes, path) && !isIn(excludes, path))
        .map(({ path }) => join(root, path));
    },
  };
}

/** Paths of tsconfigs in the same tree that one names by a relative path. */
function namedIn({ path, text }: ConsumerFile, key: "extends" | "references"): string[] {
  const value: unknown = objectIn(ts.parseConfigFileTextToJson(path, text).config)?.[key];
  return [value].flat().flatMap((one: unknown) => {
    const named: unknown = objectIn(one)?.["path"] ?? one;
    if (typeof named !== "string" || !named.startsWith(".")) return [];
    const target = posix.join(posix.dirname(path), named);
    return target.endsWith(".json")
      ? [target]
      : [`${target}.json`, posix.join(target, "tsconfig.json")];
  });
}

function isMain(path: string): boolean {
  return /(?:^|\/)[jt]sconfig\.json$/.test(path);
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

function isAbove(folder: string, path: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}
