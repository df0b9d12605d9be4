import ts from "typescript";

export type Pattern = { readonly source: string; readonly flags: string };

/** A regular expression in a file; `unknown`: a text that is put together when the program runs. */
export type Found = {
  /** From 1. */
  readonly line: number;
  /** Why it need not be proven; null if nobody says so. */
  readonly reason: string | null;
} & ({ readonly pattern: Pattern } | { readonly unknown: string });

/** `// unproven pattern -- reason`, on the line above. */
const EXEMPT = /\/\/ unproven pattern -- (\S.*)$/;

/** The regular expressions of a file: literals, and what is given to RegExp. */
export function patternsIn(path: string, text: string): Found[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lines = text.split("\n");
  const found: Found[] = [];
  const add = (node: ts.Node, what: { pattern: Pattern } | { unknown: string }): void => {
    const at = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
    found.push({ line: at + 1, reason: EXEMPT.exec(lines[at - 1] ?? "")?.[1] ?? null, ...what });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      const pattern = { source: node.text.slice(1, end), flags: node.text.slice(end + 1) };
      add(node, { pattern });
    } else if (isConstruction(node)) {
      add(node, constructed(node, source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

type Construction = ts.NewExpression | ts.CallExpression;

function isConstruction(node: ts.Node): node is Construction {
  return (
    (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === "RegExp"
  );
}

function constructed(
  node: Construction,
  source: ts.SourceFile,
): { pattern: Pattern } | { unknown: string } {
  const [given, flags] = node.arguments ?? [];
  const text = textOf(given, source);
  const flagText = flags === undefined ? "" : textOf(flags, source);
  return text === null || flagText === null
    ? { unknown: "a pattern that is put together at run time cannot be proven linear" }
    : { pattern: { source: text, flags: flagText } };
}

/** A text that is known before the program runs; null if it is not. */
function textOf(node: ts.Expression | undefined, source: ts.SourceFile): string | null {
  if (node === undefined) return null;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isIdentifier(node)) return textOf(constantIn(source, node.text), source);
  if (!ts.isTemplateExpression(node)) return null;
  let text = node.head.text;
  for (const { expression, literal } of node.templateSpans) {
    const part = textOf(expression, source);
    if (part === null) return null;
    text += part + literal.text;
  }
  return text;
}

/** What a `const` at the top of the file is set to. */
function constantIn(source: ts.SourceFile, name: string): ts.Expression | undefined {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    if ((statement.declarationList.flags & ts.NodeFlags.Const) === 0) continue;
    for (const declared of statement.declarationList.declarations) {
      if (ts.isIdentifier(declared.name) && declared.name.text === name) {
        return declared.initializer;
      }
    }
  }
  return undefined;
}
