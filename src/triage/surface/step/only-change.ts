/**
 * Of a major whose code is the same but for a function or a constant: that one is the reason for
 * the step, for whoever runs it. A pure reading of syntax, with tests of its own.
 */
import ts from "typescript";

/** A function or a constant that differs, with a line of it from each version; null: none. */
export type OnlyChange = {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
};

/** Functions and constants that may differ where the rest is the same. */
const CHANGED_MAX = 2;

/** Functions and constants that must be the same: a package of one function has no rest. */
const KEPT_MIN = 3;

/** Characters of code of a version; larger packages do not step for one function. */
const CHARS_MAX = 400_000;

function charsOf(code: ReadonlyMap<string, string>): number {
  return [...code.values()].reduce((sum, { length }) => sum + length, 0);
}

/**
 * What differs between two versions of the code that a consumer runs, where it is all that does;
 * empty where nothing or more differs. Comments, texts of errors, and what is required count as
 * the same, `var` and `const` as well.
 */
export function onlyChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): OnlyChange[] {
  if ([before, after].some((code) => charsOf(code) > CHARS_MAX)) return [];
  const [old, now] = [unitsOf(before), unitsOf(after)];
  const gone = old.filter(({ text }) => !now.some((unit) => unit.text === text));
  const fresh = now.filter(({ text }) => !old.some((unit) => unit.text === text));
  if (gone.length > CHANGED_MAX || fresh.length > CHANGED_MAX) return [];
  if (old.length - gone.length < KEPT_MIN) return [];
  return gone.flatMap(({ name, node }): OnlyChange[] => {
    const other = fresh.find((unit) => unit.name === name);
    if (name === "" || other === undefined) return [];
    const [was, is] = firstDifference(node.getText(), other.node.getText());
    return [{ name, before: was, after: is }];
  });
}

/**
 * Whether a function leads to a name: by the names in it, and in what those name, over all files.
 * What is called by a name that is worked out is not followed.
 */
export function leadsTo(from: ts.Node, name: string, code: ReadonlyMap<string, string>): boolean {
  const units = Map.groupBy(unitsOf(code), (unit) => unit.name);
  const seen = new Set<string>();
  const open = [...namesIn(from)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const { node } of units.get(next) ?? []) open.push(...namesIn(node));
  }
  return false;
}

type Unit = { readonly name: string; readonly text: string; readonly node: ts.Node };

const PARSED: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

/** The functions and the constants of some files, each without the functions in it. */
function unitsOf(code: ReadonlyMap<string, string>): Unit[] {
  return [...code].flatMap(([path, text]) => {
    if (path.endsWith(".json")) return [];
    const source = ts.createSourceFile("module.js", text, PARSED, true, ts.ScriptKind.JS);
    const units: Unit[] = [];
    const visit = (node: ts.Node): void => {
      const name = unitName(node);
      if (name !== null) units.push({ name, node, text: `${name} ${tokensOf(node)}` });
      ts.forEachChild(node, visit);
    };
    visit(source);
    return units;
  });
}

/** What a function or a constant is called; "" for nothing, null for what is none of them. */
function unitName(node: ts.Node): string | null {
  if (ts.isVariableDeclaration(node)) {
    const value = node.initializer;
    if (value === undefined || ts.isFunctionLike(value)) return null;
    return isRequire(value) ? null : node.name.getText();
  }
  if (!ts.isFunctionLike(node) || !("body" in node)) return null;
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  if (named) return parent.name.getText();
  const target = ts.isBinaryExpression(parent) ? parent.left : null;
  if (target === null) return "";
  return ts.isPropertyAccessExpression(target) ? target.name.text : target.getText();
}

function isRequire(node: ts.Node): boolean {
  return ts.isCallExpression(node) && node.expression.getText() === "require";
}

/** The kinds and names in it, without inner functions, and without what is told to people. */
function tokensOf(unit: ts.Node): string {
  let tokens = "";
  const visit = (node: ts.Node): void => {
    if (node !== unit && ts.isFunctionLike(node)) tokens += " function";
    else if (isToldToPeople(node)) tokens += " told";
    else if (ts.isParenthesizedExpression(node)) visit(node.expression);
    else if (ts.isStringLiteralLike(node)) tokens += ` ${JSON.stringify(node.text)}`;
    else if (node.getChildCount() === 0) tokens += ` ${node.getText()}`;
    else {
      tokens += ` ${node.kind}(`;
      ts.forEachChild(node, visit);
      tokens += ")";
    }
  };
  visit(unit);
  return tokens;
}

function isToldToPeople(node: ts.Node): boolean {
  if (ts.isThrowStatement(node)) return true;
  const isCalled = ts.isCallExpression(node) || ts.isNewExpression(node);
  return (
    isCalled &&
    /^(?:require|debug|console\.\w+|\w*Error|deprecate)$/.test(node.expression.getText())
  );
}

function namesIn(node: ts.Node): Set<string> {
  const names = new Set<string>();
  const visit = (inner: ts.Node): void => {
    if (ts.isIdentifier(inner)) names.add(inner.text);
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return names;
}

/** The first line of each that the other has at no place; null for none. */
function firstDifference(before: string, after: string): [string | null, string | null] {
  const [old, now] = [before, after].map((text) => text.split("\n").map((line) => line.trim()));
  const was = old?.find((line) => !(now ?? []).includes(line)) ?? null;
  const is = now?.find((line) => !(old ?? []).includes(line)) ?? null;
  return [was, is];
}
