import { isBuiltin } from "node:module";
import ts from "typescript";
import type { Sources } from "../compiler/compiler-host.ts";
import { resolveAlias } from "../compiler/declarations.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import {
  type CompanionText,
  companionPath,
  createSurfaceProgram,
  type EntryPair,
  NO_COMPANION,
} from "./surface-program.ts";

/** What is known of two surfaces before their types are: enough to compile them well. */
export type Outline = {
  /** Text that instantiates the generic types that both versions export. */
  readonly companion: CompanionText;
  /** Ambient packages that the declarations need. */
  readonly types: readonly string[];
  /** The instantiated type in a program compiled with `beside`; null if it is not generic. */
  instantiated(program: ts.Program, side: "from" | "to", name: string): ts.Type | null;
};

/**
 * Look over both surfaces. Uses a program without the standard library:
 * names and declarations need no types, and that makes it cheap.
 */
export function outlineOf(pair: PackagePair, entries: EntryPair, sources: Sources): Outline {
  const { program, unresolved } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    companion: NO_COMPANION,
    withLibrary: false,
    types: [],
  });
  const before = aritiesOf(program, entries.from.file);
  const after = aritiesOf(program, entries.to.file);
  const common = [...before.keys()].filter((name) => after.has(name));
  const specifier = pair.from.manifest.name + entries.from.subpath.slice(1);
  const textFor = (arities: Map<string, Arity>): string =>
    instantiationText(
      common.map((name) => ({
        specifier,
        name,
        arity: arities.get(name) ?? { required: 0, total: 0 },
      })),
    );

  return {
    types: unresolved.some((one) => isBuiltin(one.specifier)) ? ["node"] : [],
    companion: common.length === 0 ? NO_COMPANION : { from: textFor(before), to: textFor(after) },
    instantiated(within, side, name) {
      const index = common.indexOf(name);
      const file = within.getSourceFile(companionPath(pair[side]));
      const alias = file?.statements[index];
      if (alias === undefined || !ts.isTypeAliasDeclaration(alias)) return null;
      return within.getTypeChecker().getTypeAtLocation(alias.type);
    },
  };
}

function aritiesOf(program: ts.Program, path: string): Map<string, Arity> {
  const arities = [...fileExports(program, path)].map(
    ([name, symbol]) => [name, arityOf(symbol)] as const,
  );
  return new Map(arities.filter(([, arity]) => arity.total > 0));
}

/**
 * What a module exports, by name, aliases followed. Members of exported namespaces are
 * there as `Namespace.member`. The target of `export =` is "default", which is how ES
 * modules import it.
 */
export function moduleExports(
  checker: ts.TypeChecker,
  module: ts.Symbol | undefined,
): Map<string, ts.Symbol> {
  const found = new Map<string, ts.Symbol>();
  if (module === undefined) return found;

  addExports(checker, module, { prefix: "", depth: 0, found });
  const whole = module.exports?.get(ts.InternalSymbolName.ExportEquals);
  if (whole !== undefined && !found.has("default")) {
    found.set("default", resolveAlias(checker, whole));
  }
  return found;
}

/** What a declaration file exports. */
export function fileExports(program: ts.Program, path: string): Map<string, ts.Symbol> {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  return moduleExports(checker, file && checker.getSymbolAtLocation(file));
}

/** Namespaces can contain themselves by way of `export *`. */
const NAMESPACE_DEPTH_MAX = 2;

type Walk = { prefix: string; depth: number; found: Map<string, ts.Symbol> };

function addExports(checker: ts.TypeChecker, module: ts.Symbol, walk: Walk): void {
  for (const exported of checker.getExportsOfModule(module)) {
    // Statics of a class that is a namespace as well are members, not exports.
    if (
      exported.flags & (walk.depth === 0 ? ts.SymbolFlags.Prototype : ts.SymbolFlags.ClassMember)
    ) {
      continue;
    }
    const symbol = resolveAlias(checker, exported);
    const name = walk.prefix + exported.name;
    if (walk.found.has(name)) continue;
    walk.found.set(name, symbol);
    if (symbol.flags & ts.SymbolFlags.Module && walk.depth < NAMESPACE_DEPTH_MAX) {
      addExports(checker, symbol, { ...walk, prefix: `${name}.`, depth: walk.depth + 1 });
    }
  }
}

/** How many type arguments a generic type takes. */
type Arity = { readonly required: number; readonly total: number };

export function arityOf(symbol: ts.Symbol): Arity {
  const parameters = (symbol.declarations ?? []).flatMap((node) =>
    ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isClassLike(node)
      ? [[...(node.typeParameters ?? [])]]
      : [],
  )[0];
  if (parameters === undefined) return { required: 0, total: 0 };
  const required = parameters.filter((parameter) => parameter.default === undefined).length;
  return { required, total: parameters.length };
}

/** What a class says about how it is constructed: its constructors and type parameters. */
export function classHead(symbol: ts.Symbol): ts.Node[] {
  return (symbol.declarations ?? [])
    .filter(ts.isClassLike)
    .flatMap((node) => [
      ...node.members.filter(ts.isConstructorDeclaration),
      ...(node.typeParameters ?? []),
    ]);
}

/** Whether a reference that was written for the old arity is an error under the new one. */
export function narrowsArity(before: Arity, after: Arity): boolean {
  return after.required > before.required || after.total < before.total;
}

/**
 * Source text that instantiates generic types with `any`. Two declared generic types
 * cannot be compared as they are: their type parameters are strangers to each other.
 * The alias at index n has the name `t<n>`.
 */
function instantiationText(
  types: readonly { readonly specifier: string; readonly name: string; readonly arity: Arity }[],
): string {
  return types
    .map(({ specifier, name, arity }, index) => {
      const args = Array.from({ length: arity.total }, () => "any").join(", ");
      return `export type t${index} = import(${JSON.stringify(specifier)}).${name}<${args}>;\n`;
    })
    .join("");
}
