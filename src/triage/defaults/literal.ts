import ts from "typescript";

/**
 * A constant as its source text, strings in double quotes: true, false, null, a number or a
 * string. Null for anything that has to be worked out.
 */
export function literalOf(node: ts.Expression | undefined): string | null {
  if (node === undefined) return null;
  if (ts.isStringLiteralLike(node)) return JSON.stringify(node.text);
  if (ts.isNumericLiteral(node)) return node.text;
  return KEYWORDS.get(node.kind) ?? prefixed(node);
}

const KEYWORDS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.TrueKeyword, "true"],
  [ts.SyntaxKind.FalseKeyword, "false"],
  [ts.SyntaxKind.NullKeyword, "null"],
]);

/** `-1`, and `!0` and `!1`, which minifiers write for true and false. */
function prefixed(node: ts.Expression): string | null {
  if (!ts.isPrefixUnaryExpression(node) || !ts.isNumericLiteral(node.operand)) return null;
  const { text } = node.operand;
  if (node.operator === ts.SyntaxKind.MinusToken) return `-${text}`;
  if (node.operator !== ts.SyntaxKind.ExclamationToken) return null;
  return Number(text) === 0 ? "true" : "false";
}
