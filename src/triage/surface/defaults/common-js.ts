import ts from "typescript";

/** What a name stands for. */
export type Binding =
  | { readonly by: "node"; readonly node: ts.Node }
  | { readonly by: "local"; readonly name: string }
  /** A member of what an expression gives, `const { name } = of`. */
  | { readonly by: "member"; readonly of: ts.Expression; readonly name: string }
  /** "*" is the whole module. */
  | { readonly by: "import"; readonly specifier: string; readonly name: string };

type CommonJsExports = {
  readonly exports: Map<string, Binding>;
  readonly stars: string[];
  whole: Binding | null;
};

/**
 * Add what an expression exports: `exports.x = …`, `module.exports = …`, both in a chain, and what
 * compilers write for re-exports.
 */
export function commonJsExports(into: CommonJsExports, written: ts.Expression): void {
  const node = unwrapped(written);
  if (ts.isCallExpression(node)) addCall(into, node);
  if (!isAssignment(node)) return;
  const value = assigned(node);
  // How compilers announce a name before they define it.
  if (!ts.isVoidExpression(value)) {
    for (const left of targetsOf(node)) addAssignment(into, left, value);
  }
}

/** The specifier of `require("…")`; null for another expression. */
export function requiredBy(node: ts.Expression | undefined): string | null {
  if (node === undefined || !ts.isCallExpression(node)) return null;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
  const [specifier] = node.arguments;
  return isRequire && specifier !== undefined && ts.isStringLiteralLike(specifier)
    ? specifier.text
    : null;
}

function unwrapped(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? unwrapped(node.expression) : node;
}

/** An expression's value where it is an assignment, or several in a chain. */
export function assigned(node: ts.Expression): ts.Expression {
  const inner = unwrapped(node);
  return isAssignment(inner) ? assigned(inner.right) : inner;
}

function targetsOf(written: ts.Expression): ts.Expression[] {
  const node = unwrapped(written);
  return isAssignment(node) ? [node.left, ...targetsOf(node.right)] : [];
}

function isAssignment(node: ts.Expression): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
}

function addAssignment(into: CommonJsExports, left: ts.Expression, node: ts.Expression): void {
  if (isModuleExports(left)) into.whole = { by: "node", node };
  else if (ts.isPropertyAccessExpression(left) && isExports(left.expression)) {
    into.exports.set(left.name.text, { by: "node", node });
  }
}

function addCall(into: CommonJsExports, { expression, arguments: given }: ts.CallExpression): void {
  const callee = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  if (!ts.isIdentifier(callee)) return;
  const [first, key, descriptor] = given;
  const required = requiredBy(first);
  if (callee.text === "__exportStar" && required !== null) into.stars.push(required);
  else if (
    callee.text === "defineProperty" &&
    first !== undefined &&
    isExports(first) &&
    key !== undefined &&
    ts.isStringLiteralLike(key)
  ) {
    const node = gotBy(descriptor);
    if (node !== null) into.exports.set(key.text, { by: "node", node });
  }
}

/** What the getter in `{ enumerable: true, get: function () { return x; } }` returns. */
function gotBy(descriptor: ts.Expression | undefined): ts.Expression | null {
  if (descriptor === undefined || !ts.isObjectLiteralExpression(descriptor)) return null;
  for (const property of descriptor.properties) {
    if (!ts.isPropertyAssignment(property) || property.name.getText() !== "get") continue;
    const getter = property.initializer;
    if (!ts.isFunctionExpression(getter) && !ts.isArrowFunction(getter)) return null;
    if (!ts.isBlock(getter.body)) return getter.body;
    const [statement] = getter.body.statements;
    return statement !== undefined && ts.isReturnStatement(statement)
      ? (statement.expression ?? null)
      : null;
  }
  return null;
}

/** `exports`, or `module.exports`. */
export function isExports(node: ts.Expression): boolean {
  return (ts.isIdentifier(node) && node.text === "exports") || isModuleExports(node);
}

export function isModuleExports(node: ts.Expression): boolean {
  return (
    ts.isPropertyAccessExpression(node) &&
    node.name.text === "exports" &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === "module"
  );
}
