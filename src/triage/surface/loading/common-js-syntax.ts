/**
 * What a reading of CommonJS asks of the syntax: pure questions about one node each, without
 * knowledge of what a name stands for.
 */
import ts from "typescript";

/** The value of an expression that assigns, or stands in parentheses: `a = b = value`. */
export function assignedValue(node: ts.Expression): ts.Expression {
  if (ts.isParenthesizedExpression(node)) return assignedValue(node.expression);
  const isAssignment =
    ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return isAssignment ? assignedValue(node.right) : node;
}

export function memberName(node: ts.Expression): string | null {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (!ts.isElementAccessExpression(node)) return null;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : null;
}

export function nameText(name: ts.PropertyName): string | null {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : null;
}

export function outOfParentheses(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? outOfParentheses(node.expression) : node;
}

export function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return (
    ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isArrowFunction(node)
  );
}

/** Whether a call gives a promise, or steps, in place of what is returned. */
export function isLater(node: ts.FunctionLikeDeclaration): boolean {
  const isAsync =
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword);
  return isAsync === true || node.asteriskToken !== undefined;
}

/** What a body returns, but for the functions within it. */
export function returnsIn(body: ts.Node): ts.Expression[] {
  const found: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isReturnStatement(node) && node.expression !== undefined) found.push(node.expression);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(body, visit);
  return found;
}

/** `exports` or `module` given to somebody else, who may set anything: `factory(exports)`. */
export function isHandedOn(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || (node.text !== "exports" && node.text !== "module")) return false;
  const whole =
    ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node;
  const { parent } = whole;
  if (ts.isVariableDeclaration(parent)) return parent.initializer === whole;
  if (!ts.isCallExpression(parent)) return false;
  const called = parent.expression.getText();
  return (
    parent.arguments.some((one) => one === whole) &&
    !/(?:^|\.)(?:defineProperty|__exportStar)$/.test(called)
  );
}

export function isPlainData(node: ts.Node): boolean {
  return (
    ts.isLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node) ||
    node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword
  );
}

/** Whether a name that is assigned belongs to a function around it: a parameter, a variable. */
export function isOfInnerFunction(name: ts.Identifier): boolean {
  for (let node: ts.Node = name; node.parent !== undefined; node = node.parent) {
    if (ts.isFunctionLike(node) && ownNames(node).has(name.text)) return true;
  }
  return false;
}

const known = new WeakMap<ts.Node, ReadonlySet<string>>();

/** What a function declares itself, but for the functions within it. */
function ownNames(node: ts.SignatureDeclaration): ReadonlySet<string> {
  const before = known.get(node);
  if (before !== undefined) return before;
  const names = new Set<string>();
  const visit = (inner: ts.Node): void => {
    const isNamed = ts.isParameter(inner) || ts.isVariableDeclaration(inner);
    if (isNamed && ts.isIdentifier(inner.name)) names.add(inner.name.text);
    if (!ts.isFunctionLike(inner)) ts.forEachChild(inner, visit);
  };
  ts.forEachChild(node, visit);
  known.set(node, names);
  return names;
}

/** What a body declares by a name at its top; null for nothing, or more than one thing. */
export function ownDeclaration(body: ts.Block, name: string): ts.Node | null {
  const found = body.statements.flatMap((statement): ts.Node[] => {
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      return statement.name?.text === name ? [statement] : [];
    }
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap(({ name: local, initializer }) =>
      ts.isIdentifier(local) && local.text === name ? (initializer ?? local) : [],
    );
  });
  return found.length === 1 ? (found[0] ?? null) : null;
}
