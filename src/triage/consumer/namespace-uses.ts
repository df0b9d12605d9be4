import ts from "typescript";

/** What is taken through a name; `name` null: all of it, where the name is used bare. */
export type NamespaceUse = { readonly name: string | null; readonly node: ts.Node };

/**
 * What is taken through local names that stand for a whole module: `ns.member` in expressions and
 * types, `ns["member"]`, `const { member } = ns`. Goes by the names alone: a shadowing variable
 * of the same name counts as well.
 */
export function namespaceUses(
  source: ts.SourceFile,
  locals: ReadonlySet<string>,
): ReadonlyMap<string, readonly NamespaceUse[]> {
  const uses = new Map<string, NamespaceUse[]>([...locals].map((local) => [local, []]));
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && locals.has(node.text) && isReference(node)) {
      for (const name of takenBy(node) ?? [null]) uses.get(node.text)?.push({ name, node });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isNamespaceImport(parent) || ts.isImportEqualsDeclaration(parent)) return false;
  if (ts.isVariableDeclaration(parent) && parent.name === node) return false;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  return !(ts.isPropertyAssignment(parent) && parent.name === node);
}

function takenBy(node: ts.Identifier): string[] | null {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return [parent.name.text];
  if (ts.isQualifiedName(parent) && parent.left === node) return [parent.right.text];
  if (ts.isElementAccessExpression(parent) && ts.isStringLiteralLike(parent.argumentExpression)) {
    return [parent.argumentExpression.text];
  }
  if (ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)) {
    return parent.name.elements.map((element) => {
      const key = element.propertyName ?? element.name;
      return ts.isIdentifier(key) && element.dotDotDotToken === undefined ? key.text : "*";
    });
  }
  return null;
}
