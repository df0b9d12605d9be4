import ts from "typescript";
import { baseOf, type ExportedValue } from "./exported-values.ts";
import type { ModuleFiles } from "./module-files.ts";

/** A constant that a thing starts with or falls back to. */
export type DefaultValue = {
  readonly literal: string;
  readonly node: ts.Node;
  /** The member that has it, for a parameter of a method; null for the thing as a whole. */
  readonly member: string | null;
};

/** Classes that are followed from a class to what it extends. */
const BASES_MAX = 5;

/** The constant defaults of a class or a function, by what is written behind its name. */
export function defaultsOf(files: ModuleFiles, thing: ExportedValue): Map<string, DefaultValue> {
  if (ts.isClassLike(thing)) return classDefaults(files, thing, 0);
  return new Map(
    [...parameterDefaults(thing)].map(([key, found]) => [key, { ...found, member: null }]),
  );
}

function classDefaults(
  files: ModuleFiles,
  node: ts.ClassLikeDeclaration,
  depth: number,
): Map<string, DefaultValue> {
  const base = depth < BASES_MAX ? baseOf(files, node) : null;
  const inherited =
    base !== null && ts.isClassLike(base) ? classDefaults(files, base, depth + 1) : [];
  return new Map([...inherited, ...node.members.flatMap(memberDefaults)]);
}

function memberDefaults(member: ts.ClassElement): [string, DefaultValue][] {
  if (ts.isConstructorDeclaration(member)) return constructorDefaults(member);
  const name = member.name === undefined ? null : nameOf(member.name);
  if (name === null) return [];
  if (ts.isPropertyDeclaration(member)) {
    return isStatic(member) ? [] : fieldDefault(name, member.initializer, member);
  }
  if (!ts.isMethodDeclaration(member)) return [];
  return [...parameterDefaults(member)].map(([key, found]) => [
    `.${name}${key}`,
    { ...found, member: name },
  ]);
}

function constructorDefaults(node: ts.ConstructorDeclaration): [string, DefaultValue][] {
  const fields = (node.body?.statements ?? []).flatMap((statement): [string, DefaultValue][] => {
    if (!ts.isExpressionStatement(statement)) return [];
    const { expression } = statement;
    if (!ts.isBinaryExpression(expression) || !isThisMember(expression.left)) return [];
    if (expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return [];
    return fieldDefault(expression.left.name.text, expression.right, statement);
  });
  const given = [...parameterDefaults(node)].map(([key, found]): [string, DefaultValue] => [
    key,
    { ...found, member: null },
  ]);
  return [...fields, ...given];
}

function fieldDefault(
  name: string,
  value: ts.Expression | undefined,
  node: ts.Node,
): [string, DefaultValue][] {
  const literal = literalOf(value);
  return literal === null ? [] : [[`.${name}`, { literal, node, member: null }]];
}

function isStatic({ modifiers }: ts.PropertyDeclaration): boolean {
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true;
}

function isThisMember(node: ts.Expression): node is ts.PropertyAccessExpression {
  return ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword;
}

function nameOf(name: ts.PropertyName): string | null {
  return ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteralLike(name)
    ? name.text
    : null;
}

type Given = { readonly literal: string; readonly node: ts.Node };

/**
 * What a function takes where nothing is given, by `(name)` for a parameter and `({ name })`
 * for an option that is destructured from one, in its head or at the top of its body.
 */
function parameterDefaults(node: ts.FunctionLikeDeclaration): Map<string, Given> {
  const found = new Map<string, Given>();
  const names = new Set<string>();
  for (const { name, initializer } of node.parameters) {
    if (!ts.isIdentifier(name)) {
      addOptions(found, name);
      continue;
    }
    names.add(name.text);
    const literal = literalOf(initializer);
    if (literal !== null) found.set(`(${name.text})`, { literal, node: name });
  }
  const statements = node.body !== undefined && ts.isBlock(node.body) ? node.body.statements : [];
  for (const statement of statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      const from =
        initializer !== undefined && ts.isIdentifier(initializer) ? initializer.text : "";
      if (names.has(from) && !ts.isIdentifier(name)) addOptions(found, name);
    }
  }
  return found;
}

/** The options of a pattern, those of patterns inside it as well. */
function addOptions(found: Map<string, Given>, pattern: ts.BindingPattern): void {
  if (!ts.isObjectBindingPattern(pattern)) return;
  for (const { name, propertyName, initializer } of pattern.elements) {
    const key = propertyName ?? name;
    if (!ts.isIdentifier(name)) addOptions(found, name);
    const literal = literalOf(initializer);
    if (literal !== null && ts.isIdentifier(key)) {
      found.set(`({ ${key.text} })`, { literal, node: key });
    }
  }
}

/**
 * A constant as its source text, strings in double quotes: true, false, null, a number or a
 * string. Null for anything that has to be worked out.
 */
function literalOf(node: ts.Expression | undefined): string | null {
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
