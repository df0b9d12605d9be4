import { join } from "node:path";
import ts from "typescript";
import type { Fence } from "../reading/fence.ts";
import { fencedHost, LIBRARY, NODE_TYPES } from "./analysis-fence.ts";

/** What the programs of one analysis read, and have parsed. */
export type Sources = {
  /** All that they can see of the disk. */
  readonly fence: Fence;
  /**
   * Parsed files by name and format: parsing the standard library is the larger part of a small
   * program's time.
   */
  readonly parsed: Map<string, ts.SourceFile | undefined>;
};

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
  const { overlay } = settings;
  const fenced = fencedHost(settings.sources.fence);
  const files: FileHost = {
    ...fenced,
    fileExists: (path) => overlay?.has(path) === true || fenced.fileExists(path),
    readFile: (path) => overlay?.get(path) ?? fenced.readFile(path),
  };
  return {
    ...files,
    getSourceFile: (path, languageVersion) => readSource(settings, files, path, languageVersion),
    getDefaultLibFileName: (options) => join(LIBRARY, ts.getDefaultLibFileName(options)),
    getDefaultLibLocation: () => LIBRARY,
    getCurrentDirectory: () => settings.currentDirectory,
    // As where most code is run; a disk that is less exact than that answers all the same.
    useCaseSensitiveFileNames: () => true,
    getCanonicalFileName: (path) => path,
    getNewLine: () => "\n",
    writeFile: () => {},
    resolveModuleNameLiterals: resolverOf(settings, files),
    resolveTypeReferenceDirectiveReferences: (references, containing, redirected, options, file) =>
      references.map((one) => resolveTypes(one, { containing, redirected, options, file, files })),
  };
}

type FileHost = ReturnType<typeof fencedHost>;

type SourceOptions = ts.ScriptTarget | ts.CreateSourceFileOptions;

function readSource(
  { sources: { parsed: cache }, overlay, rewrite }: HostSettings,
  host: FileHost,
  path: string,
  how: SourceOptions,
): ts.SourceFile | undefined {
  const rewriting = rewrite?.appliesTo(path) === true;
  const format = typeof how === "object" ? `${how.languageVersion}:${how.impliedNodeFormat}` : how;
  const key = `${rewriting ? "rewritten:" : ""}${path}:${format}`;
  if (cache.has(key)) return cache.get(key);

  const read = host.readFile(path);
  const text = rewriting && read !== undefined ? rewrite.apply(path, read) : read;
  const parsed = text === undefined ? undefined : parse(path, text, how);
  // An overlay belongs to one program; the next may have another text at the same path.
  if (!overlay?.has(path)) cache.set(key, parsed);
  return parsed;
}

/** Comments are read where they declare types, in JavaScript, as tsc does: saves an eighth. */
function parse(path: string, text: string, how: SourceOptions): ts.SourceFile {
  const options = typeof how === "object" ? how : { languageVersion: how };
  const jsDocParsingMode = ts.JSDocParsingMode.ParseForTypeErrors;
  return ts.createSourceFile(path, text, { ...options, jsDocParsingMode }, true);
}

function resolverOf(
  { options, sources, viewFor, unresolved, currentDirectory }: HostSettings,
  host: FileHost,
): NonNullable<ts.CompilerHost["resolveModuleNameLiterals"]> {
  const cache = ts.createModuleResolutionCache(currentDirectory, (path) => path, options);
  return (literals, containingFile, redirected, fileOptions, sourceFile) =>
    literals.map((literal) => {
      const mode = ts.getModeForUsageLocation(sourceFile, literal, fileOptions);
      const view = viewFor(containingFile);
      const specifier = literal.text;
      const resolved =
        subpathOf(specifier, view.names) === null
          ? ts.resolveModuleName(
              specifier,
              containingFile,
              fileOptions,
              host,
              cache,
              redirected,
              mode,
            )
          : {
              resolvedModule: resolveInView(
                { specifier, view, fence: sources.fence },
                fileOptions,
                mode,
              ),
            };
      if (resolved.resolvedModule === undefined) unresolved.push({ containingFile, specifier });
      return resolved;
    });
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

type Reference = string | ts.FileReference;

type Asking = {
  readonly containing: string;
  readonly redirected: ts.ResolvedProjectReference | undefined;
  readonly options: ts.CompilerOptions;
  readonly file: ts.SourceFile | undefined;
  readonly files: ts.ModuleResolutionHost;
};

/** A package of ambient types, by TypeScript's own rules; Node's where they are not installed. */
function resolveTypes(
  reference: Reference,
  { containing, redirected, options, file, files }: Asking,
): ts.ResolvedTypeReferenceDirectiveWithFailedLookupLocations {
  const isName = typeof reference === "string";
  const name = isName ? reference : reference.fileName;
  const mode = isName ? undefined : ts.getModeForFileReference(reference, file?.impliedNodeFormat);
  const resolved = ts.resolveTypeReferenceDirective(
    name,
    containing,
    options,
    files,
    redirected,
    undefined,
    mode,
  );
  const isFound = resolved.resolvedTypeReferenceDirective !== undefined;
  if (isFound || NODE_TYPES === null || name !== "node") return resolved;
  return {
    resolvedTypeReferenceDirective: {
      primary: true,
      resolvedFileName: join(NODE_TYPES, "index.d.ts"),
      isExternalLibraryImport: true,
    },
  };
}

/** The ambient types of a tree that names none: Node's, installed in it or not. */
export function ambientTypes(fence: Fence, folders: readonly string[]): string[] {
  const isInstalled = folders.some((folder) =>
    fence.directoryExists(join(folder, "node_modules/@types/node")),
  );
  return isInstalled || NODE_TYPES !== null ? ["node"] : [];
}
