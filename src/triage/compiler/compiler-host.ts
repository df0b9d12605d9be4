import { join } from "node:path";
import ts from "typescript";
import type { Fence } from "../fence.ts";
import { LIBRARY } from "./compiler-folders.ts";
import { fencedHost } from "./fenced-host.ts";
import { resolveTypes } from "./node-types.ts";
import { type PackageView, resolveInView, subpathOf } from "./package-resolver.ts";

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

export type HostSettings = {
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
