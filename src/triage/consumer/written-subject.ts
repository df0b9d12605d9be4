import ts from "typescript";
import { oneLine } from "../compiler/declarations.ts";

/**
 * What a person wrote where the compiler objects, as they would call it: `result.error.errors`,
 * the function that is called with the wrong thing, the name that is imported. Null where nothing
 * there has a name.
 */
export function writtenAt(file: ts.SourceFile, start: number): string | null {
  const node = nodeAt(file, start);
  const name = node === null ? null : namedBy(node);
  return name === null ? null : oneLine(name.getText(file)).slice(0, SUBJECT_MAX);
}

/** Characters; a chain of calls may be long. */
const SUBJECT_MAX = 120;

/** The innermost node that starts there. */
function nodeAt(file: ts.SourceFile, start: number): ts.Node | null {
  const visit = (node: ts.Node): ts.Node | undefined => {
    if (start < node.getFullStart() || start >= node.end) return undefined;
    return ts.forEachChild(node, visit) ?? (node.getStart(file) === start ? node : undefined);
  };
  return visit(file) ?? null;
}

function namedBy(node: ts.Node): ts.Node | null {
  const { parent } = node;
  if (ts.isImportClause(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) {
    return ts.isImportClause(parent) ? node : (parent.propertyName ?? parent.name);
  }
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return parent;
  if (ts.isQualifiedName(parent) && parent.right === node) return parent;
  return calledAround(node) ?? (ts.isIdentifier(node) ? node : null);
}

/** The function or class that the node is given to, or a key of an object that is. */
function calledAround(node: ts.Node): ts.Node | null {
  if (ts.isObjectLiteralElementLike(node.parent) && node.parent.name === node) return node;
  for (let inner = node; !ts.isSourceFile(inner); inner = inner.parent) {
    const { parent } = inner;
    if (ts.isFunctionLike(inner) || ts.isStatement(inner)) return null;
    if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return parent.expression;
  }
  return null;
}
