import { dirname, join } from "node:path";
import ts from "typescript";

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

/** Read the consumer's tsconfig.json, if it has one at its root. */
export function consumerOptions(root: string): ConsumerOptions {
  const path = join(root, "tsconfig.json");
  if (!ts.sys.fileExists(path)) return withDefaults(root, []);

  const read = ts.readConfigFile(path, (file) => ts.sys.readFile(file));
  if (read.error !== undefined) return withDefaults(root, ["tsconfig.json does not parse"]);

  // Only options are wanted: reading no folder saves the walk over the whole tree.
  const host: ts.ParseConfigHost = { ...ts.sys, readDirectory: () => [] };
  const parsed = ts.parseJsonConfigFileContent(read.config, host, dirname(path));
  const missing = parsed.errors.some(({ code }) => code === EXTENDED_FILE_NOT_FOUND);
  return {
    options: { ...parsed.options, ...FORCED },
    degraded: missing ? ["tsconfig.json extends a file that is not there"] : [],
  };
}

const EXTENDED_FILE_NOT_FOUND = 6053;

function withDefaults(root: string, degraded: readonly string[]): ConsumerOptions {
  return { options: { ...DEFAULTS, types: ambientTypes(root), ...FORCED }, degraded };
}

/** Node's globals, where their declarations are installed. */
function ambientTypes(root: string): string[] {
  for (let folder = root; ; folder = dirname(folder)) {
    if (ts.sys.directoryExists(join(folder, "node_modules/@types/node"))) return ["node"];
    if (dirname(folder) === folder) return [];
  }
}
