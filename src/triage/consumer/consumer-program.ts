import { join } from "node:path";
import ts from "typescript";
import { createHost, type Sources, type UnresolvedImport } from "../compiler/compiler-host.ts";

/** How to compile a consumer against one version of the package. */
export type ConsumerProgramSettings = {
  readonly root: string;
  readonly options: ts.CompilerOptions;
  /** The files that import the package, relative to the root. */
  readonly importing: readonly string[];
  readonly sources: Sources;
  /** Names that the consumer knows the package by. */
  readonly names: readonly string[];
};

export type ConsumerProgram = {
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
