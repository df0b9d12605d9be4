/**
 * Where a consumer relies on the number behind an enum of a package: where a value of the enum
 * meets a number that the package did not give, written out or stored.
 */
import ts from "typescript";
import { numberKey, resolveAlias } from "../compiler/declarations.ts";

/** A value of an enum that meets a number. */
export type NumberUse = {
  /** Where: the number that is written out, else the value. */
  readonly node: ts.Node;
  readonly enumeration: ts.EnumDeclaration;
  /** The number; null where only the program knows it. */
  readonly number: number | null;
};

/** The keys of a use: of the members that have the number, or of the enum. */
export function numberKeys(checker: ts.TypeChecker, use: NumberUse): string[] {
  const { enumeration, number } = use;
  if (number === null) return [numberKey(enumeration)];
  return membersWith(checker, use).map(numberKey);
}

/** What a version makes of a use: the names that have the number, or all of them with theirs. */
export function numberReading(checker: ts.TypeChecker, use: NumberUse): string {
  const { enumeration, number } = use;
  const members = number === null ? [...enumeration.members] : membersWith(checker, use);
  return members
    .map((member) => `${member.name.getText()}=${checker.getConstantValue(member)}`)
    .join();
}

function membersWith(checker: ts.TypeChecker, use: NumberUse): ts.EnumMember[] {
  return use.enumeration.members.filter(
    (member) => checker.getConstantValue(member) === use.number,
  );
}

/** All such uses in a file, of enums that `isForeign` takes. */
export function numberUsesIn(
  file: ts.SourceFile,
  checker: ts.TypeChecker,
  isForeign: (declaration: ts.Node) => boolean,
): NumberUse[] {
  const uses: NumberUse[] = [];
  const meet = (value: ts.Expression, at: ts.Node, number: number | null): void => {
    const enumeration = enumOf(checker, value);
    if (enumeration === undefined || !isForeign(enumeration) || isMember(checker, value)) return;
    uses.push({ node: at, enumeration, number });
  };
  const meetOther = (value: ts.Expression, other: ts.Expression): void => {
    if (isPlainNumber(checker, other)) meet(value, other, writtenNumber(other));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && MEETS.has(node.operatorToken.kind)) {
      meetOther(node.left, node.right);
      meetOther(node.right, node.left);
    } else if (ts.isCaseClause(node)) meetOther(node.parent.parent.expression, node.expression);
    else if (ts.isElementAccessExpression(node)) {
      const value = node.argumentExpression;
      for (const key of numberedKeys(checker, node)) meet(value, key, Number(key.text));
      if (hasPositions(checker, node)) meet(value, value, null);
    } else if (ts.isExpression(node) && isStored(checker, node)) meet(node, node, null);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return uses;
}

const MEETS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.AmpersandEqualsToken,
  ts.SyntaxKind.BarEqualsToken,
]);

/** The enum of whose values an expression is; undefined for any other expression. */
function enumOf(checker: ts.TypeChecker, node: ts.Expression): ts.EnumDeclaration | undefined {
  const type = checker.getTypeAtLocation(node);
  if ((type.flags & ts.TypeFlags.EnumLike) === 0) return undefined;
  for (
    let declared: ts.Node | undefined = type.symbol?.declarations?.[0];
    declared !== undefined;
  ) {
    if (ts.isEnumDeclaration(declared)) return declared;
    declared = ts.isEnumMember(declared) ? declared.parent : undefined;
  }
  const [part] = type.isUnion() ? type.types : [];
  const member = part?.symbol?.declarations?.[0];
  return member !== undefined && ts.isEnumMember(member) ? member.parent : undefined;
}

function isPlainNumber(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const { flags } = checker.getTypeAtLocation(node);
  // Bits that are tested are held against nothing at all, which is the same in each version.
  if (writtenNumber(node) === 0 && !ts.isCaseClause(node.parent)) return false;
  return (flags & ts.TypeFlags.NumberLike) !== 0 && (flags & ts.TypeFlags.EnumLike) === 0;
}

function writtenNumber(node: ts.Expression): number | null {
  if (ts.isParenthesizedExpression(node)) return writtenNumber(node.expression);
  return ts.isNumericLiteral(node) ? Number(node.text) : null;
}

/** The keys that are written as numbers, of an object that a value of an enum picks from. */
function numberedKeys(
  checker: ts.TypeChecker,
  { expression }: ts.ElementAccessExpression,
): ts.NumericLiteral[] {
  const properties = checker.getPropertiesOfType(checker.getTypeAtLocation(expression));
  return properties.flatMap(({ declarations = [] }) =>
    declarations.flatMap((declared) => {
      const name = ts.getNameOfDeclaration(declared);
      return name !== undefined && ts.isNumericLiteral(name) ? [name] : [];
    }),
  );
}

/** Whether it is a list, or another object that numbers that are not written out pick from. */
function hasPositions(
  checker: ts.TypeChecker,
  { expression }: ts.ElementAccessExpression,
): boolean {
  const type = checker.getTypeAtLocation(expression);
  // An enum gives the names of its own values.
  const isEnum = (checker.getSymbolAtLocation(expression)?.flags ?? 0) & ts.SymbolFlags.Enum;
  return !isEnum && checker.getIndexInfoOfType(type, ts.IndexKind.Number) !== undefined;
}

/** `Level.High`: a use of the member by its name. */
function isMember(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const symbol = checker.getSymbolAtLocation(
    ts.isPropertyAccessExpression(node) ? node.name : node,
  );
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.EnumMember) !== 0;
}

/** Whether an expression is written down as a number: as JSON, or where a number is expected. */
function isStored(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isPropertyAssignment(parent) && parent.initializer === node) {
    const expected = checker.getContextualType(node);
    return expected === undefined
      ? isInJson(checker, parent.parent)
      : (expected.flags & ts.TypeFlags.Number) !== 0 || isInJson(checker, parent.parent);
  }
  return ts.isCallExpression(parent) && parent.arguments[0] === node && isJsonCall(checker, parent);
}

function isInJson(checker: ts.TypeChecker, node: ts.Node): boolean {
  const call = ts.findAncestor(node.parent, (at) =>
    ts.isObjectLiteralElementLike(at) ||
    ts.isObjectLiteralExpression(at) ||
    ts.isArrayLiteralExpression(at)
      ? false
      : ts.isCallExpression(at)
        ? true
        : "quit",
  );
  return call !== undefined && ts.isCallExpression(call) && isJsonCall(checker, call);
}

function isJsonCall(checker: ts.TypeChecker, { expression }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== "stringify") {
    return false;
  }
  const { expression: of } = expression;
  const symbol = checker.getSymbolAtLocation(of);
  return (
    ts.isIdentifier(of) &&
    of.text === "JSON" &&
    (symbol === undefined || resolveAlias(checker, symbol).name === "JSON")
  );
}
