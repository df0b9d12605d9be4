import { join } from "node:path";
import ts from "typescript";
import type { AnalysisRequest } from "../facts/analysis.ts";
import { type Fence, isBelow } from "../reading/fence.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import {
  analysisFence,
  type FileHost,
  fencedHost,
  LIBRARY,
  SHARED_FOLDERS,
} from "./analysis-fence.ts";
import { type Scope, type Scopes, scopesOf } from "./scopes.ts";

/** What the programs of one analysis read, and have parsed. */
export type Sources = {
  /** All that they can see of the disk. */
  readonly fence: Fence;
  /** What of it each file can find by a name. */
  readonly scopes: Scopes;
  /**
   * Parsed files by name and format: parsing the standard library is the larger part of a small
   * program's time.
   */
  readonly parsed: Map<string, ts.SourceFile | undefined>;
};

/** What the programs of an analysis may read: what it is about, and what that is compiled with. */
export function sourcesOf(request: AnalysisRequest, root: string, pair: PackagePair): Sources {
  const fence = analysisFence(request, root, pair);
  return { fence, scopes: scopesOf(request, fence, { root, pair }), parsed: new Map() };
}

export type UnresolvedImport = { readonly containingFile: string; readonly specifier: string };

type HostSettings = {
  readonly options: ts.CompilerOptions;
  readonly sources: Sources;
  /** Where ambient types are looked up from. */
  readonly currentDirectory: string;
  /** Filled with the imports that lead nowhere: to the compiler they are `any`. */
  readonly unresolved: UnresolvedImport[];
  /** The version that an import of the provider means, seen from a file. */
  readonly viewFor: (containingFile: string) => PackageView;
  /** The specifier that a file's own name for something stands for. */
  readonly nameOf?: (specifier: string, containingFile: string) => string;
  /** Folders of packages that are found where nothing else is, by name. */
  readonly hoisted?: ReadonlyMap<string, string>;
  /** Finds what nothing else does, such as a package of the same repository. */
  readonly findElsewhere?: (
    specifier: string,
    containingFile: string,
  ) => ts.ResolvedModuleFull | undefined;
  /** Files that are not on the disk, by path. */
  readonly overlay?: ReadonlyMap<string, string>;
  /** Changes the text of some files before they are parsed; must keep positions and lines. */
  readonly rewrite?: {
    appliesTo(path: string): boolean;
    apply(path: string, text: string): string;
  };
};

/** A compiler host in which imports of the provider lead to the version under test. */
export function createHost(settings: HostSettings): ts.CompilerHost {
  const { overlay, sources } = settings;
  const files = withOverlay(fencedHost(sources.fence), overlay);
  const finder = new ModuleFinder(settings);
  return {
    ...files,
    readDirectory: () => [],
    getSourceFile: (path, languageVersion) => readSource(settings, files, path, languageVersion),
    getDefaultLibFileName: (options) => join(LIBRARY, ts.getDefaultLibFileName(options)),
    getDefaultLibLocation: () => LIBRARY,
    getCurrentDirectory: () => settings.currentDirectory,
    // As where most code is run; a disk that is less exact than that answers all the same.
    useCaseSensitiveFileNames: () => true,
    getCanonicalFileName: (path) => path,
    getNewLine: () => "\n",
    writeFile: () => {},
    resolveModuleNameLiterals: (literals, containing, redirected, options, file) =>
      literals.map((literal) => {
        const mode = ts.getModeForUsageLocation(file, literal, options);
        const request = { containing, redirected, options, mode };
        return { resolvedModule: finder.module(literal.text, request) };
      }),
    resolveTypeReferenceDirectiveReferences: (references, containing, redirected, options, file) =>
      references.map((reference) => {
        const isName = typeof reference === "string";
        const mode = isName
          ? undefined
          : ts.getModeForFileReference(reference, file?.impliedNodeFormat);
        const request = { containing, redirected, options, mode };
        return {
          resolvedTypeReferenceDirective: finder.types(
            isName ? reference : reference.fileName,
            request,
          ),
        };
      }),
  };
}

function withOverlay(host: FileHost, overlay: ReadonlyMap<string, string> | undefined): FileHost {
  if (overlay === undefined) return host;
  return {
    ...host,
    fileExists: (path) => overlay.has(path) || host.fileExists(path),
    readFile: (path) => overlay.get(path) ?? host.readFile(path),
  };
}

type SourceOptions = ts.ScriptTarget | ts.CreateSourceFileOptions;

/**
 * Of the compiler's library and of Node's types: read and parsed once a process. A process is not
 * long enough there for them to be replaced.
 */
const PARSED_ONCE = new Map<string, ts.SourceFile>();

function readSource(
  { sources: { parsed: cache }, overlay, rewrite }: HostSettings,
  host: FileHost,
  path: string,
  how: SourceOptions,
): ts.SourceFile | undefined {
  const options = sourceOptions(path, how);
  const plainKey = `${path}:${options.languageVersion}:${options.impliedNodeFormat}`;
  const rewritten = rewrite?.appliesTo(path) === true ? `rewritten:${plainKey}` : null;
  // An overlay belongs to one program; the next may have another text at the same path.
  const isOverlaid = overlay?.has(path) === true;
  const key = rewritten ?? plainKey;
  if (cache.has(key) && !isOverlaid) return cache.get(key);
  const isShared = SHARED_FOLDERS.some((folder) => isBelow(folder, path));
  const known = isShared ? PARSED_ONCE.get(key) : undefined;
  if (known !== undefined) return known;

  const read = host.readFile(path);
  const text = rewritten !== null && read !== undefined ? rewrite?.apply(path, read) : read;
  // What a rewriting leaves alone has been parsed for the programs that rewrite nothing.
  const alike = isDeclarationFile(path) ? [key, plainKey] : [key];
  const before = alike.map((one) => cache.get(one)).find((one) => one?.text === text);
  const parsed = before ?? parse(path, text, options);
  if (isShared && parsed !== undefined) PARSED_ONCE.set(key, parsed);
  else cache.set(key, parsed);
  return parsed;
}

/** Parents are set when a program binds the file. */
function parse(
  path: string,
  text: string | undefined,
  options: ts.CreateSourceFileOptions,
): ts.SourceFile | undefined {
  return text === undefined ? undefined : ts.createSourceFile(path, text, options);
}

/**
 * Comments are read where they declare types, in JavaScript, as tsc does: saves an eighth.
 * Declarations are the same for every target, so that programs of several targets share them.
 */
function sourceOptions(path: string, how: SourceOptions): ts.CreateSourceFileOptions {
  const options = typeof how === "object" ? how : { languageVersion: how };
  return {
    ...options,
    ...(isDeclarationFile(path) ? { languageVersion: ts.ScriptTarget.ESNext } : {}),
    ...(isBelow(LIBRARY, path) ? { impliedNodeFormat: undefined } : {}),
    jsDocParsingMode: ts.JSDocParsingMode.ParseForTypeErrors,
  };
}

function isDeclarationFile(path: string): boolean {
  return /\.d\.[cm]?ts$/.test(path);
}

type Lookup = {
  readonly containing: string;
  readonly redirected: ts.ResolvedProjectReference | undefined;
  readonly options: ts.CompilerOptions;
  readonly mode: ts.ResolutionMode;
};

/**
 * Finds what an import means: the provider is the version under test, what its declarations import
 * is led to its folder, and the rest is found by TypeScript's own rules in the file's own tree.
 */
class ModuleFinder {
  readonly #settings: HostSettings;
  /** By scope: what one tree finds above it is not another's. */
  readonly #caches = new Map<Scope, { host: FileHost; cache: ts.ModuleResolutionCache }>();

  constructor(settings: HostSettings) {
    this.#settings = settings;
  }

  module(specifier: string, request: Lookup): ts.ResolvedModuleFull | undefined {
    const { unresolved, findElsewhere, nameOf, hoisted, sources } = this.#settings;
    const { containing } = request;
    const found =
      this.#linked(nameOf?.(specifier, containing) ?? specifier, request) ??
      this.#inTree(specifier, request) ??
      findElsewhere?.(specifier, containing) ??
      (hoisted === undefined
        ? undefined
        : inLinks(specifier, hoisted, { ...request, fence: sources.fence }));
    if (found === undefined) unresolved.push({ containingFile: containing, specifier });
    return found;
  }

  /** What a name is led to: where it is, nothing that is installed answers instead. */
  #linked(specifier: string, { containing, options, mode }: Lookup) {
    const { sources, viewFor } = this.#settings;
    const view = viewFor(containing);
    const { fence } = sources;
    if (subpathOf(specifier, view.names) !== null) {
      return resolveInView({ specifier, view, fence }, options, mode);
    }
    return inLinks(specifier, sources.scopes.of(containing).links, { fence, options, mode });
  }

  #inTree(specifier: string, { containing, redirected, options, mode }: Lookup) {
    const { host, cache } = this.#treeOf(containing);
    return ts.resolveModuleName(specifier, containing, options, host, cache, redirected, mode)
      .resolvedModule;
  }

  #treeOf(containing: string): { host: FileHost; cache: ts.ModuleResolutionCache } {
    const { sources, overlay, options, currentDirectory } = this.#settings;
    const scope = sources.scopes.of(containing);
    const known = this.#caches.get(scope);
    if (known !== undefined) return known;
    const cache = ts.createModuleResolutionCache(currentDirectory, (path) => path, options);
    const made = { host: withOverlay(scope.host, overlay), cache };
    this.#caches.set(scope, made);
    return made;
  }

  /** A package of ambient types; those of Node are the same ones for every file. */
  types(name: string, request: Lookup): ts.ResolvedTypeReferenceDirective | undefined {
    const { sources, viewFor } = this.#settings;
    const { containing, redirected, options, mode } = request;
    const view = viewFor(containing);
    const folders = [
      ...view.names.map((known) => [known, view.directory] as const),
      ...sources.scopes.of(containing).links,
    ];
    const { nodeTypes } = sources.scopes;
    if (nodeTypes !== null) folders.push(["@types/node", nodeTypes]);
    for (const [known, directory] of folders) {
      const isMeant = subpathOf(name, [known]) !== null || known === typesPackage(name);
      if (!isMeant) continue;
      const found = typesInFolder(name, { known, directory, fence: sources.fence, options, mode });
      if (found !== undefined) return found;
    }
    const { host } = this.#treeOf(containing);
    return ts.resolveTypeReferenceDirective(
      name,
      containing,
      options,
      host,
      redirected,
      undefined,
      mode,
    ).resolvedTypeReferenceDirective;
  }
}

/** The module in the folder that its package is led to; with declarations, where there are any. */
function inLinks(
  specifier: string,
  links: ReadonlyMap<string, string>,
  { fence, options, mode }: Pick<Lookup, "options" | "mode"> & { readonly fence: Fence },
): ts.ResolvedModuleFull | undefined {
  const name = packageNameOf(specifier);
  const found = [name, typesPackage(name)].flatMap((linked) => {
    const directory = links.get(linked);
    if (directory === undefined) return [];
    const view = { names: [name], directory };
    return resolveInView({ specifier, view, fence }, options, mode) ?? [];
  });
  return found.find(isTyped) ?? found[0];
}

function isTyped({ extension }: ts.ResolvedModuleFull): boolean {
  return /\.[cm]?tsx?$/.test(extension);
}

/** `@scope/name` and `name` of a specifier, without what it asks of the package. */
function packageNameOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Where declarations of a package without any are published. */
function typesPackage(name: string): string {
  return `@types/${name.replace(/^@/, "").replace("/", "__")}`;
}

/** A folder that answers to a package's name, wherever it really is. */
export type PackageView = {
  /** The package's name, and the names a consumer gave it as an alias. */
  readonly names: readonly string[];
  readonly directory: string;
};

/**
 * The subpath that a specifier asks of a package ("." for the package itself), or null if
 * it is about another one.
 */
export function subpathOf(specifier: string, names: readonly string[]): string | null {
  for (const name of names) {
    if (specifier === name) return ".";
    if (specifier.startsWith(`${name}/`)) return `.${specifier.slice(name.length)}`;
  }
  return null;
}

type ImportToResolve = {
  readonly specifier: string;
  readonly view: PackageView;
  /** What may be read of the view's folder. */
  readonly fence: Fence;
};

/**
 * Resolve a specifier with TypeScript's own rules as if the view's folder were installed
 * under the specifier's name. The folder is mounted below a path that cannot exist, so
 * nothing that is installed for real can answer instead.
 */
export function resolveInView(
  { specifier, view, fence }: ImportToResolve,
  options: ts.CompilerOptions,
  mode: ts.ResolutionMode,
): ts.ResolvedModuleFull | undefined {
  const name = view.names.find((known) => subpathOf(specifier, [known]) !== null);
  if (name === undefined) return undefined;

  const mount = `${MOUNT}/node_modules/${name}`;
  const host = mountedHost(mount, view.directory, fence);
  const containing = `${MOUNT}/consumer.ts`;
  const resolved = ts.resolveModuleName(
    specifier,
    containing,
    options,
    host,
    undefined,
    undefined,
    mode,
  ).resolvedModule;
  if (resolved === undefined) return undefined;
  return {
    ...resolved,
    resolvedFileName: realPath(resolved.resolvedFileName, mount, view.directory),
  };
}

const MOUNT = "/.triaged-mount";

/** No `realpath` on purpose: the resolver must stay on mounted paths. */
function mountedHost(mount: string, directory: string, fence: Fence): ts.ModuleResolutionHost {
  const { fileExists, readFile, directoryExists } = fencedHost(fence);
  const inside = (path: string): boolean => path === mount || path.startsWith(`${mount}/`);
  const real = (path: string): string => realPath(path, mount, directory);
  return {
    fileExists: (path) => inside(path) && fileExists(real(path)),
    readFile: (path) => (inside(path) ? readFile(real(path)) : undefined),
    directoryExists: (path) =>
      mount.startsWith(`${path}/`) || (inside(path) && directoryExists(real(path))),
  };
}

function realPath(path: string, mount: string, directory: string): string {
  return path.startsWith(mount) ? join(directory, path.slice(mount.length)) : path;
}

type TypesToResolve = {
  readonly known: string;
  readonly directory: string;
  readonly fence: Fence;
  readonly options: ts.CompilerOptions;
  readonly mode: ts.ResolutionMode;
};

/** Ambient types as if a folder were installed under a name. */
function typesInFolder(
  name: string,
  { known, directory, fence, options, mode }: TypesToResolve,
): ts.ResolvedTypeReferenceDirective | undefined {
  const mount = `${MOUNT}/node_modules/${known}`;
  const found = ts.resolveTypeReferenceDirective(
    name,
    `${MOUNT}/consumer.ts`,
    { ...options, typeRoots: [] },
    mountedHost(mount, directory, fence),
    undefined,
    undefined,
    mode,
  ).resolvedTypeReferenceDirective;
  if (found?.resolvedFileName === undefined) return undefined;
  return { ...found, resolvedFileName: realPath(found.resolvedFileName, mount, directory) };
}
