import { join } from "node:path";
import ts from "typescript";
import {
  createHost,
  type PackageView,
  resolveInView,
  type Sources,
  type UnresolvedImport,
} from "../compiler/compiler-host.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import type { PackageTree } from "../sources/npm/manifest.ts";

/** One version's file behind a subpath. */
type Entry = { readonly subpath: string; readonly file: string; readonly typed: boolean };

/** The same subpath in both versions. */
export type EntryPair = { readonly from: Entry; readonly to: Entry };

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.Preserve,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ESNext,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowJs: true,
  // A package without declarations is read from its JavaScript, which may be many files.
  maxNodeModuleJsDepth: 5,
  types: [],
};

/** The file that TypeScript finds behind a subpath; null if there is none. */
export function entryOf(tree: PackageTree, subpath: string, { fence }: Sources): Entry | null {
  const specifier = tree.manifest.name + subpath.slice(1);
  const wanted = { specifier, view: viewOf(tree), fence };
  const resolved =
    resolveInView(wanted, OPTIONS, ts.ModuleKind.ESNext) ??
    resolveInView(wanted, OPTIONS, ts.ModuleKind.CommonJS);
  if (resolved === undefined || resolved.extension === ".json") return null;
  return {
    subpath,
    file: resolved.resolvedFileName,
    typed: !/^\.[cm]?jsx?$/.test(resolved.extension),
  };
}

/** Text of a file that is compiled beside each version, as if it stood in its folder. */
export type CompanionText = { readonly from: string; readonly to: string };

export const NO_COMPANION: CompanionText = { from: "export {};\n", to: "export {};\n" };

/** Where `Beside` stands in a version's folder. */
export function companionPath(tree: PackageTree): string {
  return join(tree.directory, ".triaged-surface.mts");
}

type SurfaceProgram = {
  readonly program: ts.Program;
  /** Imports of the package's own files that lead nowhere. */
  readonly unresolved: readonly UnresolvedImport[];
};

type SurfaceSettings = {
  readonly sources: Sources;
  readonly companion: CompanionText;
  /** Without it names and declarations are there, and types are not. */
  readonly withLibrary: boolean;
  /** Ambient packages, such as "node". */
  readonly types: readonly string[];
};

/** Old and new entries in one program, so that types of one can be held against the other. */
export function createSurfaceProgram(
  pair: PackagePair,
  entries: readonly Entry[],
  { sources, companion, withLibrary, types }: SurfaceSettings,
): SurfaceProgram {
  const options = { ...OPTIONS, noLib: !withLibrary, types: [...types] };
  const unresolved: UnresolvedImport[] = [];
  const inPair = (path: string): boolean => isWithin(path, pair.from) || isWithin(path, pair.to);
  const overlay = new Map([
    [companionPath(pair.from), companion.from],
    [companionPath(pair.to), companion.to],
  ]);
  const host = createHost({
    options,
    sources,
    overlay,
    unresolved,
    currentDirectory: pair.to.directory,
    viewFor: (containing) => viewOf(isWithin(containing, pair.from) ? pair.from : pair.to),
    rewrite: { appliesTo: inPair, apply: blankPrivate },
  });
  const rootNames = [...entries.map(({ file }) => file), ...overlay.keys()];
  const program = ts.createProgram({ rootNames, options, host });
  return {
    program,
    unresolved: unresolved.filter(({ containingFile }) => inPair(containingFile)),
  };
}

export function isWithin(path: string, tree: PackageTree): boolean {
  return path.startsWith(`${tree.directory}/`);
}

function viewOf(tree: PackageTree): PackageView {
  return { names: [tree.manifest.name], directory: tree.directory };
}

/**
 * A declaration file with the private and protected members of classes overwritten by
 * blanks. With them, two versions of a class are never assignable to each other, whatever
 * the rest looks like: privates make a class nominal. Positions and lines stay.
 */
function blankPrivate(path: string, text: string): string {
  if (!/\b(?:private|protected)\b|#\w/.test(text)) return text;

  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const blanked = text.split("");
  const visit = (node: ts.Node): void => {
    if (ts.isClassElement(node) && isHidden(node)) {
      for (let at = node.getStart(file); at < node.end; at += 1) {
        if (blanked[at] !== "\n") blanked[at] = " ";
      }
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(file);
  return blanked.join("");
}

function isHidden(member: ts.ClassElement): boolean {
  // A hidden constructor says that nobody may call it, which is part of the surface.
  if (ts.isConstructorDeclaration(member)) return false;
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  const flags = ts.getCombinedModifierFlags(member);
  return (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
}
