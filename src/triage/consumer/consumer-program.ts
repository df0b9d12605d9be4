import { join, posix, relative } from "node:path";
import ts from "typescript";
import { createHost, type Sources, type UnresolvedImport } from "../compiler/compiler-host.ts";
import { slashed } from "../compiler/declarations.ts";
import { isComponent } from "../facts/file-kinds.ts";
import { componentPath, scriptOf } from "./component-scripts.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import type { OwnModules } from "./own-modules.ts";
import type { Specifiers } from "./specifiers.ts";

/** How to compile a part of a consumer against one version of the package. */
type ProgramSettings = {
  readonly tree: ConsumerTree;
  /** Files that are compiled, relative to the root. */
  readonly files: readonly string[];
  readonly sources: Sources;
  readonly specifiers: Specifiers;
  readonly modules: OwnModules;
};

export type ConsumerProgram = {
  readonly program: ts.Program;
  /** Those of the given files that are in the program. */
  readonly files: readonly ts.SourceFile[];
  readonly unresolved: readonly UnresolvedImport[];
};

/** Files of the consumer, and what they import, with the package at `directory`. */
export function createConsumerProgram(
  { tree, files, sources, specifiers, modules }: ProgramSettings,
  options: ts.CompilerOptions,
  directory: string,
): ConsumerProgram {
  const { root } = tree;
  const view = { names: specifiers.names, directory };
  const unresolved: UnresolvedImport[] = [];
  const inTree = (path: string): string => componentPath(slashed(relative(root, path)));
  const host = createHost({
    options,
    sources,
    currentDirectory: root,
    unresolved,
    overlay: componentScripts(tree),
    viewFor: () => view,
    hoisted: sources.scopes.hoistedFor(directory),
    nameOf: (specifier, containing) =>
      isOwn(root, containing) ? specifiers.standsFor(inTree(containing), specifier) : specifier,
    findElsewhere: (specifier, containing) => {
      const found = isOwn(root, containing) ? modules.find(inTree(containing), specifier) : null;
      return found === null ? undefined : moduleAt(join(root, scriptPath(tree, found)));
    },
  });
  const rootNames = files.map((path) => join(root, scriptPath(tree, path)));
  const program = ts.createProgram({ rootNames, options, host });
  const compiled = rootNames.map((name) => program.getSourceFile(name));
  return { program, files: compiled.filter((file) => file !== undefined), unresolved };
}

function isOwn(root: string, path: string): boolean {
  return path.startsWith(`${root}/`) && !path.includes("/node_modules/");
}

/** Components as the scripts that they hold, by absolute path; the same ones for each program. */
function componentScripts(tree: ConsumerTree): ReadonlyMap<string, string> {
  const known = SCRIPTS.get(tree);
  if (known !== undefined) return known;
  const scripts = tree.sources.filter(({ path }) => isComponent(path)).map(scriptOf);
  const made = new Map(scripts.map(({ path, text }) => [join(tree.root, path), text]));
  SCRIPTS.set(tree, made);
  return made;
}

const SCRIPTS = new WeakMap<ConsumerTree, ReadonlyMap<string, string>>();

function scriptPath(tree: ConsumerTree, path: string): string {
  if (!isComponent(path)) return path;
  const scripts = componentScripts(tree);
  return (
    [".ts", ".tsx", ".js"]
      .map((end) => path + end)
      .find((one) => scripts.has(join(tree.root, one))) ?? path
  );
}

function moduleAt(path: string): ts.ResolvedModuleFull {
  const extension = /\.d\.[cm]?ts$/.exec(path)?.[0] ?? posix.extname(path);
  return { resolvedFileName: path, extension, isExternalLibraryImport: false };
}
