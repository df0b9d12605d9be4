import ts from "typescript";
import { resolveAlias } from "../compiler/resolve-alias.ts";

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
