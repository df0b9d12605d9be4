// What stands at a place of a source: the names by which a person would say what breaks there.
import { readFileSync } from "node:fs";
import ts from "typescript";

type Position = { readonly line: number; readonly column: number };

/**
 * The names at a position, the closest first: the word itself, what is called around it, options
 * that it is the value of, and what is imported where it is an import.
 */
export function symbolsAt(file: string, { line, column }: Position): string[] {
  const text = readFileSync(file, "utf8");
  if (file.endsWith(".json")) return wordsOf(text.split("\n")[line - 1] ?? "");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kindOf(file));
  const starts = source.getLineStarts();
  const at = (starts[line - 1] ?? 0) + column - 1;
  const found = new Set<string>();
  for (let node: ts.Node | undefined = innermost(source, at); node; node = node.parent) {
    for (const name of namesOf(node)) found.add(name);
    if (ts.isStatement(node) && !ts.isBlock(node)) break;
  }
  // An error about a statement, or within a comment, is about all that its line names.
  return found.size > 0 ? [...found] : namesOnLine(text.split("\n")[line - 1] ?? "");
}

/** Words of a line that may be names, and what it has in quotes. */
function namesOnLine(line: string): string[] {
  const quoted = [...line.matchAll(/["']([^"']+)["']/g)].map(([, inside = ""]) => inside);
  const reserved = new Set(["return", "await", "const", "import", "typedef", "new"]);
  return [...quoted, ...wordsOf(line).filter((word) => !reserved.has(word))];
}

function kindOf(file: string): ts.ScriptKind {
  return /\.[cm]?jsx?$/.test(file) ? ts.ScriptKind.JSX : undefinedKind(file);
}

function undefinedKind(file: string): ts.ScriptKind {
  return file.endsWith(".tsx") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
}

function innermost(node: ts.Node, at: number): ts.Node {
  const inner = node.forEachChild((child) =>
    child.getStart() <= at && at < child.getEnd() ? child : undefined,
  );
  return inner === undefined ? node : innermost(inner, at);
}

function namesOf(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return [node.text];
  if (ts.isStringLiteral(node)) return node.text === "" ? [] : [node.text];
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return chainOf(node.expression);
  if (ts.isJsxOpeningLikeElement(node)) return chainOf(node.tagName);
  if (ts.isPropertyAccessExpression(node)) return chainOf(node);
  if (ts.isTypeReferenceNode(node)) return wordsOf(node.typeName.getText());
  if (ts.isPropertyAssignment(node)) return wordsOf(node.name.getText());
  if (ts.isImportDeclaration(node)) return [...wordsIn(node.importClause), ...specifierOf(node)];
  return [];
}

/** `a.b.c(…)` is called c, and is found by b and a as well. */
function chainOf(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return [node.text];
  if (ts.isPropertyAccessExpression(node)) return [node.name.text, ...chainOf(node.expression)];
  if (ts.isCallExpression(node) || ts.isNonNullExpression(node)) return chainOf(node.expression);
  return [];
}

function wordsIn(clause: ts.ImportClause | undefined): string[] {
  return clause === undefined
    ? []
    : wordsOf(clause.getText()).filter((word) => !["type", "as"].includes(word));
}

function specifierOf({ moduleSpecifier }: ts.ImportDeclaration): string[] {
  return ts.isStringLiteral(moduleSpecifier) ? [moduleSpecifier.text] : [];
}

function wordsOf(text: string): string[] {
  return text.match(/[A-Za-z_$][\w$]*/g) ?? [];
}

/** The line on which a file imports, requires or names a package; null for none. */
export function importLine(file: string, name: string): number | null {
  if (!/\.([cm]?[jt]sx?|json|vue|svelte)$/.test(file)) return null;
  const quoted = ["'", '"'].map((quote) => `${quote}${name}`);
  const lines = readFileSync(file, "utf8").split("\n");
  const at = lines.findIndex(
    (line) =>
      quoted.some((begin) => {
        const [, after] = line.split(begin);
        return after !== undefined && /^(?:\/|'|")/.test(after);
      }) && !/^\s*"[^"]+": "[\^~\d]/.test(line),
  );
  return at === -1 ? null : at + 1;
}
