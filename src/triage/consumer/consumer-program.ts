import { dirname, join } from "node:path";
import ts from "typescript";
import { fencedHost } from "../compiler/analysis-fence.ts";
import {
  ambientTypes,
  createHost,
  type Sources,
  type UnresolvedImport,
} from "../compiler/compiler-host.ts";
import type { Fence } from "../reading/fence.ts";

/** How to compile a consumer against one version of the package. */
type ConsumerProgramSettings = {
  readonly root: string;
  readonly options: ts.CompilerOptions;
  /** The files that import the package, relative to the root. */
  readonly importing: readonly string[];
  readonly sources: Sources;
  /** Names that the consumer knows the package by. */
  readonly names: readonly string[];
};

type ConsumerProgram = {
  readonly program: ts.Program;
  readonly unresolved: readonly UnresolvedImport[];
};

/** The consumer's importing files, and what they import, with the package at `directory`. */
export function createConsumerProgram(
  { root, options, importing, sources, names }: ConsumerProgramSettings,
  directory: string,
): ConsumerProgram {
  const view = { names, directory };
  const unresolved: UnresolvedImport[] = [];
  const host = createHost({
    options,
    sources,
    currentDirectory: root,
    unresolved,
    viewFor: () => view,
  });
  const rootNames = importing.map((path) => join(root, path));
  return { program: ts.createProgram({ rootNames, options, host }), unresolved };
}

/** The consumer's own files in a program: the evidence is there, not in what is installed. */
export function ownFiles(program: ts.Program, root: string): ts.SourceFile[] {
  return program
    .getSourceFiles()
    .filter(
      ({ fileName, isDeclarationFile }) =>
        !isDeclarationFile &&
        fileName.startsWith(`${root}/`) &&
        !fileName.includes("/node_modules/"),
    );
}

/** Options to compile the consumer with, and what was wrong with its own. */
export type ConsumerOptions = {
  readonly options: ts.CompilerOptions;
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
  skipLibCheck: true,
  // The compiler proves as much about JavaScript; only errors that are new are kept.
  allowJs: true,
  checkJs: true,
  // An option that this compiler calls outdated still says how the consumer builds.
  ignoreDeprecations: "6.0",
};

/** Read the consumer's tsconfig.json, if it has one at its root, and what that extends. */
export function consumerOptions(root: string, fence: Fence): ConsumerOptions {
  const path = join(root, "tsconfig.json");
  const degraded = ["tsconfig.json does not parse"];
  const defaults = { ...DEFAULTS, types: ambientTypes(fence, upFrom(root)), ...FORCED };
  if (!fence.fileExists(path)) return { options: defaults, degraded: [] };

  const host = { ...fencedHost(fence), useCaseSensitiveFileNames: true };
  const read = ts.readConfigFile(path, host.readFile);
  if (read.error !== undefined) return { options: defaults, degraded };

  const parsed = ts.parseJsonConfigFileContent(
    read.config,
    host,
    dirname(path),
    undefined,
    path,
    undefined,
    undefined,
    // Without it, files that extend the same ones twice each take time without end.
    new Map(),
  );
  const missing = parsed.errors.some(({ code }) => code === EXTENDED_FILE_NOT_FOUND);
  return {
    options: { ...parsed.options, ...FORCED },
    degraded: missing ? ["tsconfig.json extends a file that is not there"] : [],
  };
}

const EXTENDED_FILE_NOT_FOUND = 6053;

function upFrom(folder: string): string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...upFrom(dirname(folder))];
}
