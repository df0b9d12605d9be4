/**
 * What source code says, by the names of what it declares. Values are shown where they are written
 * out; of a function or a class it is told that it changed, and the patch has how.
 */
import ts from "typescript";
import { isRecord } from "../../index.ts";
import { flatten, HIDDEN, isSecretName, type KeyedValues } from "./keyed-values.ts";

const PRINTER = ts.createPrinter({ removeComments: true });
/** Characters of an expression that is shown, and not only told as changed. */
const SHOWN_MAX = 80;

/** JavaScript and TypeScript: settings by where they stand in an export, and declarations. */
export function scriptKeys(text: string, path: string): KeyedValues {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const keys = new Map<string, string>();
  for (const statement of source.statements) addStatement(keys, statement, source);
  return keys;
}

type Keys = Map<string, string>;

function addStatement(keys: Keys, node: ts.Statement, source: ts.SourceFile): void {
  const code = (one: ts.Node): string => codeOf(one, source);
  if (ts.isImportDeclaration(node)) {
    const { importClause, moduleSpecifier } = node;
    const names = importClause === undefined ? "" : code(importClause);
    keys.set(`import ${code(moduleSpecifier)}`, names);
  } else if (ts.isExportAssignment(node)) {
    addValue(keys, node.isExportEquals ? "exports" : "export default", node.expression, source);
  } else if (ts.isVariableStatement(node)) {
    for (const { name, initializer } of node.declarationList.declarations) {
      if (initializer !== undefined) addValue(keys, code(name), initializer, source);
    }
  } else if (ts.isClassDeclaration(node)) addClass(keys, node, source);
  else if (isNamed(node)) keys.set(code(node.name), `${HIDDEN}${code(node)}`);
  else if (ts.isExpressionStatement(node)) addExpression(keys, node.expression, source);
  else keys.set(code(node), "");
}

type Named = ts.Statement & { readonly name: ts.Node };

function isNamed(node: ts.Statement): node is Named {
  const isDeclaration =
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    ts.isModuleDeclaration(node);
  return isDeclaration && node.name !== undefined;
}

function addClass(keys: Keys, node: ts.ClassDeclaration, source: ts.SourceFile): void {
  const code = (one: ts.Node): string => codeOf(one, source);
  const name = node.name === undefined ? "default class" : code(node.name);
  keys.set(`class ${name}`, (node.heritageClauses ?? []).map(code).join(" "));
  for (const member of node.members) {
    const own = member.name === undefined ? "constructor" : code(member.name);
    // Overloads, and a getter with its setter, have one name.
    const key = `${name}.${own}`;
    keys.set(key, `${keys.get(key) ?? HIDDEN}${code(member)}`);
  }
}

/** `module.exports = …` and `exports.x = …` as what they export; other statements by what they say. */
function addExpression(keys: Keys, node: ts.Expression, source: ts.SourceFile): void {
  const isSet =
    ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  if (isSet) addValue(keys, codeOf(node.left, source), node.right, source);
  else keys.set(codeOf(node, source), "");
}

function addValue(keys: Keys, name: string, given: ts.Expression, source: ts.SourceFile): void {
  const value = valueOf(given, { source, name });
  const isWhole = name === "export default" || name === "module.exports" || name === "exports";
  const isTree = typeof value === "object" && value !== null && !isEmptyTree(value);
  flatten(value, isWhole && isTree ? "" : name, { keys, depth: 0 });
}

function isEmptyTree(value: object): boolean {
  return Object.keys(value).length === 0;
}

type About = { readonly source: ts.SourceFile; readonly name: string };

/** What is written out as data; of anything else its code, shown where it is short. */
function valueOf(given: ts.Expression, about: About): unknown {
  const { source, name } = about;
  const node = unwrapped(given);
  if (ts.isObjectLiteralExpression(node)) {
    return Object.fromEntries(
      node.properties.map((property) => {
        const key = property.name === undefined ? codeOf(property, source) : nameIn(property.name);
        if (ts.isPropertyAssignment(property)) {
          return [key, valueOf(property.initializer, { source, name: key })];
        }
        const isMethod = property.name !== undefined && !ts.isShorthandPropertyAssignment(property);
        return [key, isMethod ? `${HIDDEN}${codeOf(property, source)}` : ""];
      }),
    );
  }
  if (isSecretName(name)) return `${HIDDEN}${codeOf(node, source)}`;
  if (ts.isArrayLiteralExpression(node)) return listOf(node, about);
  if (ts.isStringLiteralLike(node)) return node.text;
  const isCode = ts.isFunctionLike(node) || ts.isClassLike(node);
  const code = codeOf(node, source);
  return isCode || code.length > SHOWN_MAX ? `${HIDDEN}${code}` : code;
}

const isPlain = (item: unknown): boolean =>
  typeof item === "string" ? !item.startsWith(HIDDEN) : Array.isArray(item);

/** Items that are objects are told apart by what they are about, else by where they stand. */
function listOf(node: ts.ArrayLiteralExpression, about: About): unknown {
  const items = node.elements.map((element) => valueOf(element, about));
  if (items.every(isPlain)) return items;
  return Object.fromEntries(
    items.map((item, index) => {
      if (typeof item === "string" && isPlain(item)) return [`[${item}]`, ""];
      const { name, files } = isRecord(item) ? item : {};
      const label = typeof name === "string" ? name : Array.isArray(files) ? files.join(" ") : null;
      return [`[${label ?? index}]`, item];
    }),
  );
}

/** `defineConfig({ … })`, `{ … } satisfies Config`, and brackets, as what they hold. */
function unwrapped(node: ts.Expression): ts.Expression {
  if (
    ts.isParenthesizedExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isAsExpression(node)
  ) {
    return unwrapped(node.expression);
  }
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return node;
  const [only] = node.arguments;
  const isSettings =
    only !== undefined && (ts.isObjectLiteralExpression(only) || ts.isArrayLiteralExpression(only));
  return isSettings && /^(?:define|with)[A-Z]|[cC]onfig$/.test(node.expression.getText())
    ? only
    : node;
}

function nameIn(name: ts.PropertyName): string {
  return ts.isStringLiteralLike(name) || ts.isIdentifier(name) ? name.text : name.getText();
}

/** Without comments, on one line. */
function codeOf(node: ts.Node, source: ts.SourceFile): string {
  const text = PRINTER.printNode(ts.EmitHint.Unspecified, node, source);
  return text.replace(/\s+/g, " ").replace(/;$/, "").trim();
}

const MODIFIERS = new Set(
  (
    "export default public private protected internal static async abstract final override pub " +
    "unsafe extern inline virtual partial sealed open data suspend const"
  ).split(" "),
);
const KINDS = new Set(
  (
    "def class func fn function interface struct enum trait impl module object record protocol " +
    "extension type namespace sub defmodule defp"
  ).split(" "),
);
// unproven pattern -- neighbours share no character, so there is one way to read a line
const SETS = /^([A-Za-z_]\w*)\s*(?::?=|:\s*\w+\s*=)(?!=)(.*)$/;

type Open = { readonly indent: number; readonly name: string };

/**
 * Other languages, by lines that declare something by name, and by how far those below are
 * indented. Outside of definitions each line is told for itself: imports, commands of a shell.
 */
export function outlineKeys(text: string): KeyedValues {
  const keys = new Map<string, string>();
  let open: Open[] = [];
  for (const line of text.split(/\r?\n/)) {
    const said = line.trim();
    if (said === "" || isComment(said)) continue;
    const indent = line.search(/\S/);
    const isEnd = /^(?:[)\]}]|end\b|fi\b|done\b|esac\b|else\b|elif\b|except\b|finally\b)/.test(
      said,
    );
    if (!isEnd) open = open.filter((one) => one.indent < indent);
    const name = definedIn(said);
    if (name !== null) {
      open = [...open, { indent, name }];
      add(keys, open, said);
    } else if (open.length > 0) add(keys, open, said);
    else addTopLine(keys, said);
  }
  return keys;
}

function add(keys: Keys, open: readonly Open[], said: string): void {
  const key = open.map(({ name }) => name).join(".");
  keys.set(key, `${keys.get(key) ?? HIDDEN}${said}\n`);
}

function addTopLine(keys: Keys, said: string): void {
  const [, name, given = ""] = SETS.exec(said) ?? [];
  const value = given.trim();
  if (name === undefined && !isSecretName(said)) {
    const line = said.replace(/\s+/g, " ");
    // What is called there may be defined above.
    keys.set(line, keys.get(line) ?? "");
  } else if (name === undefined) {
    const key = "code outside of definitions";
    keys.set(key, `${keys.get(key) ?? HIDDEN}${said}\n`);
  } else {
    const isShown = value.length <= SHOWN_MAX && !isSecretName(name) && !/[([{,\\]$/.test(value);
    keys.set(name, isShown ? value : `${HIDDEN}${value}`);
  }
}

function isComment(said: string): boolean {
  return /^(?:#(?!include|\[)|\/\/|\/\*|\*\s|\*\/|--\s)/.test(said);
}

/** `Send` of `func (c *Client) Send(ctx)`, `run` of `run() {`; null for what declares nothing. */
function definedIn(said: string): string | null {
  const shell = /^([\w-]+)\s*\(\)\s*\{?$/.exec(said)?.[1];
  if (shell !== undefined) return shell;
  const words = said.split(/\s+/);
  const at = words.findIndex((word) => !MODIFIERS.has(word) && !word.startsWith("pub("));
  const kind = words[at] ?? "";
  if (!KINDS.has(kind)) return null;
  const rest = words.slice(at + 1).join(" ");
  const named = rest.startsWith("(") ? rest.slice(rest.indexOf(")") + 1).trim() : rest;
  return /^:*[\w$.?!]+(?::+[\w$.?!]+)*/.exec(named)?.[0] ?? null;
}
