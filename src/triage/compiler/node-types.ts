import { join } from "node:path";
import ts from "typescript";
import type { Fence } from "../fence.ts";
import { NODE_TYPES } from "./compiler-folders.ts";

type Reference = string | ts.FileReference;

type Asking = {
  readonly containing: string;
  readonly redirected: ts.ResolvedProjectReference | undefined;
  readonly options: ts.CompilerOptions;
  readonly file: ts.SourceFile | undefined;
  readonly files: ts.ModuleResolutionHost;
};

/** A package of ambient types, by TypeScript's own rules; Node's where they are not installed. */
export function resolveTypes(
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
