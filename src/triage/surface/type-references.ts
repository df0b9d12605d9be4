import ts from "typescript";
import { resolveAlias } from "../compiler/resolve-alias.ts";

/** Which way a type crosses the border: given to the package, or handed out by it. */
export type Direction = "input" | "output";
export type Directions = ReadonlySet<Direction>;

/**
 * The types that declarations refer to, directly or through others of the same package,
 * each with the directions it is met in. A parameter turns the direction round, a
 * callback's parameter twice. Works on what is written, not on types: the checker drops
 * an alias from a union such as `Options | undefined`.
 */
export function referencedTypes(
  checker: ts.TypeChecker,
  start: readonly ts.Node[],
  belongs: (declaration: ts.Node) => boolean,
): Map<ts.Symbol, Directions> {
  const met = new Map<ts.Symbol, Set<Direction>>();
  const visit = (node: ts.Node, direction: Direction): void => {
    const name = referredName(node);
    if (name !== null) meet(name, direction);
    const inner = ts.isParameter(node) ? opposite(direction) : direction;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  const meet = (name: ts.Node, direction: Direction): void => {
    const found = checker.getSymbolAtLocation(name);
    if (found === undefined) return;
    const symbol = resolveAlias(checker, found);
    const directions = met.get(symbol) ?? new Set();
    if (directions.has(direction)) return;
    met.set(symbol, directions.add(direction));
    for (const declaration of symbol.declarations ?? []) {
      if (belongs(declaration) && !ts.isSourceFile(declaration)) visit(declaration, direction);
    }
  };
  for (const node of start) visit(node, "output");
  return met;
}

/** The name by which a node refers to a type, if it does. */
export function referredName(node: ts.Node): ts.Node | null {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  if (ts.isTypeQueryNode(node)) return node.exprName;
  if (ts.isImportTypeNode(node)) return node.qualifier ?? null;
  return null;
}

function opposite(direction: Direction): Direction {
  return direction === "input" ? "output" : "input";
}
