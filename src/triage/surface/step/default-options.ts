/**
 * Options that a package sets unless it is told otherwise, by the objects that it calls defaults:
 * a pure reading of syntax.
 */
import ts from "typescript";

/** By an option's name, the constant that it is set to; null where there are several. */
export type DefaultOptions = ReadonlyMap<string, string | null>;

/** Read the defaults of some files, by their paths. */
export function defaultOptions(files: ReadonlyMap<string, string>): DefaultOptions {
  const found = new Map<string, string | null>();
  for (const [path, text] of files) {
    if (!DEFAULTS.test(text) && !DEFAULTS.test(path)) continue;
    const source = ts.createSourceFile("module.js", text, PARSED, true, ts.ScriptKind.JS);
    const visit = (node: ts.Node, isWithin: boolean): void => {
      const isInside = isWithin || DEFAULTS.test(nameOf(node));
      if (isInside && ts.isPropertyAssignment(node)) add(found, node);
      ts.forEachChild(node, (child) => visit(child, isInside));
    };
    visit(source, DEFAULTS.test(path.split("/").at(-1) ?? ""));
  }
  return found;
}

const PARSED: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

/** A default that differs: `after` is null where nothing of the new code knows the option. */
export type ChangedOption = {
  readonly name: string;
  readonly before: string;
  readonly after: string | null;
};

type Known = {
  /** Whether the new code has the name at all. */
  readonly isNamed: (name: string) => boolean;
  /** Whether an option says how something that is used works. */
  readonly isUsed: (name: string) => boolean;
};

/**
 * The options that start otherwise than before, and those that something was done by, unless told
 * otherwise, and that no code has any more; of what is used, also what could be told to be done.
 */
export function changedOptions(
  before: DefaultOptions,
  after: DefaultOptions,
  { isNamed, isUsed }: Known,
): ChangedOption[] {
  return [...before].flatMap(([name, old]): ChangedOption[] => {
    if (old === null || OF_PROPERTIES.has(name)) return [];
    const now = after.get(name);
    if (now !== undefined) {
      return now === null || now === old ? [] : [{ name, before: old, after: now }];
    }
    const isGone = !isNamed(name) && (!UNSET.has(old) || isUsed(name));
    return isGone ? [{ name, before: old, after: null }] : [];
  });
}

const UNSET = new Set(["false", "0", '""']);

/** `defaults`, `getDefaults`, `DEFAULT_OPTIONS`, `default-options.js`; no default export. */
const DEFAULTS = /default[-_]?(?:s|opt|conf|sett|val)/i;

/** What Object.defineProperty takes. */
const OF_PROPERTIES = new Set(["value", "writable", "enumerable", "configurable"]);

function nameOf(node: ts.Node): string {
  if (ts.isBinaryExpression(node)) {
    const isAssigned = node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    return isAssigned ? lastNameOf(node.left) : "";
  }
  const isNamed =
    ts.isVariableDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyAssignment(node) ||
    ts.isPropertyDeclaration(node);
  return isNamed && node.name !== undefined ? textOf(node.name) : "";
}

function lastNameOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) ? node.name.text : "";
}

function textOf(name: ts.Node): string {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : "";
}

function add(
  found: Map<string, string | null>,
  { name, initializer }: ts.PropertyAssignment,
): void {
  const key = textOf(name);
  const constant = constantOf(initializer);
  if (key === "" || constant === null) return;
  const known = found.get(key);
  found.set(key, known === undefined || known === constant ? constant : null);
}

function constantOf(node: ts.Expression): string | null {
  if (ts.isStringLiteralLike(node)) return JSON.stringify(node.text);
  if (ts.isNumericLiteral(node)) return node.text;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return "true";
  if (node.kind === ts.SyntaxKind.FalseKeyword) return "false";
  const isNegated =
    ts.isPrefixUnaryExpression(node) &&
    node.operator === ts.SyntaxKind.ExclamationToken &&
    ts.isNumericLiteral(node.operand);
  return isNegated ? String(node.operand.getText() === "0") : null;
}
