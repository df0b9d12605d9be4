import ts from "typescript";

/**
 * Whether two declarations are written alike. Names of parameters and comments do not
 * count: a renamed parameter is no change for a caller.
 */
export function sameShape(before: ts.Node, after: ts.Node): boolean {
  if (before.kind !== after.kind) return false;
  if (ts.isIdentifier(before) || ts.isLiteralExpression(before)) {
    return before.getText() === after.getText();
  }
  const left = shapeOf(before);
  const right = shapeOf(after);
  return (
    left.length === right.length &&
    left.every((child, index) => {
      const other = right[index];
      return other !== undefined && sameShape(child, other);
    })
  );
}

/**
 * Types that take each other's place: pairs of names at the same position of two
 * declarations, such as `FailedAttemptError` and `RetryContext` as a callback's argument.
 */
export function alignedTypeNames(before: ts.Node, after: ts.Node): [string, string][] {
  if (before.kind !== after.kind) return [];
  if (ts.isTypeReferenceNode(before) && ts.isTypeReferenceNode(after)) {
    const names: [string, string] = [before.typeName.getText(), after.typeName.getText()];
    if (names[0] !== names[1]) return [names];
  }
  const left = shapeOf(before);
  const right = shapeOf(after);
  if (left.length !== right.length) return [];
  return left.flatMap((child, index) => {
    const other = right[index];
    return other === undefined ? [] : alignedTypeNames(child, other);
  });
}

function shapeOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    const nameOfParameter = ts.isParameter(node) && child === node.name;
    if (!nameOfParameter) children.push(child);
  });
  return children;
}
