import ts from "typescript";
import { baseOf, type Thing } from "./exported-things.ts";
import { literalOf } from "./literal.ts";
import type { ModuleFiles } from "./module-files.ts";
import { parameterDefaults } from "./parameter-defaults.ts";

/** A constant that a thing starts with or falls back to. */
export type Default = {
  readonly literal: string;
  readonly node: ts.Node;
  /** The member that has it, for a parameter of a method; null for the thing as a whole. */
  readonly member: string | null;
};

/** Classes that are followed from a class to what it extends. */
const BASES_MAX = 5;

/** The constant defaults of a class or a function, by what is written behind its name. */
export function defaultsOf(files: ModuleFiles, thing: Thing): Map<string, Default> {
  if (ts.isClassLike(thing)) return classDefaults(files, thing, 0);
  return new Map(
    [...parameterDefaults(thing)].map(([key, found]) => [key, { ...found, member: null }]),
  );
}

function classDefaults(
  files: ModuleFiles,
  node: ts.ClassLikeDeclaration,
  depth: number,
): Map<string, Default> {
  const base = depth < BASES_MAX ? baseOf(files, node) : null;
  const inherited =
    base !== null && ts.isClassLike(base) ? classDefaults(files, base, depth + 1) : [];
  return new Map([...inherited, ...node.members.flatMap(memberDefaults)]);
}

function memberDefaults(member: ts.ClassElement): [string, Default][] {
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

function constructorDefaults(node: ts.ConstructorDeclaration): [string, Default][] {
  const fields = (node.body?.statements ?? []).flatMap((statement): [string, Default][] => {
    if (!ts.isExpressionStatement(statement)) return [];
    const { expression } = statement;
    if (!ts.isBinaryExpression(expression) || !isThisMember(expression.left)) return [];
    if (expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return [];
    return fieldDefault(expression.left.name.text, expression.right, statement);
  });
  const given = [...parameterDefaults(node)].map(([key, found]): [string, Default] => [
    key,
    { ...found, member: null },
  ]);
  return [...fields, ...given];
}

function fieldDefault(
  name: string,
  value: ts.Expression | undefined,
  node: ts.Node,
): [string, Default][] {
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
