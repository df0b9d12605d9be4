import ts from "typescript";
import { declarationKeys, locationOf, resolveAlias } from "../compiler/declarations.ts";
import type { Location } from "../facts/finding.ts";
import { componentPath } from "./component-scripts.ts";
import type { ConsumerProgram } from "./consumer-program.ts";
import { numberKeys, numberUsesIn } from "./enum-numbers.ts";

/** Places of use by declaration key. */
export type SymbolUses = ReadonlyMap<string, readonly Location[]>;

/**
 * Where the consumer's files use something that is declared elsewhere, by declaration:
 * names, members (`error.retriesLeft`), keys of object literals, which mean a member of the
 * type that is expected there, and destructured keys. Where a value of an enum meets a number, by
 * the keys of enum-numbers.ts.
 */
export function symbolUses({ program, files }: ConsumerProgram, root: string): SymbolUses {
  const checker = program.getTypeChecker();
  const isOwn = (node: ts.Node): boolean => {
    const { fileName } = node.getSourceFile();
    return fileName.startsWith(`${root}/`) && !fileName.includes("/node_modules/");
  };
  const uses = new Map<string, Location[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) {
      for (const symbol of symbolsAt(checker, node)) {
        if (symbol.declarations?.some(isOwn)) continue;
        for (const key of declarationKeys(symbol)) {
          const known = uses.get(key);
          if (known === undefined) uses.set(key, [placeOf(node, root)]);
          else known.push(placeOf(node, root));
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const file of files) {
    visit(file);
    for (const use of numberUsesIn(file, checker, (declaration) => !isOwn(declaration))) {
      for (const key of numberKeys(checker, use)) {
        uses.set(key, [...(uses.get(key) ?? []), placeOf(use.node, root)]);
      }
    }
  }
  return uses;
}

/** Where a node stands for its author: in a component, if its script is what is compiled. */
export function placeOf(node: ts.Node, root: string): Location {
  const { path, line } = locationOf(node, root);
  return { path: componentPath(path), line };
}

/** What can name a thing of a package. */
export type UseName = ts.Identifier | ts.StringLiteralLike;

/** The symbols that a name means where it stands. */
export function symbolsAt(checker: ts.TypeChecker, node: UseName): ts.Symbol[] {
  const { parent } = node;
  const literal = parent.parent;
  if (ts.isObjectLiteralElementLike(parent) && ts.isObjectLiteralExpression(literal)) {
    if (parent.name !== node) return symbolOf(checker, node);
    const expected = checker.getContextualType(literal);
    const keyed = expected === undefined ? [] : propertiesNamed(checker, expected, node.text);
    return [...keyed, ...shorthandValue(checker, parent)];
  }
  if (ts.isBindingElement(parent) && (parent.propertyName ?? parent.name) === node) {
    return propertiesNamed(checker, checker.getTypeAtLocation(parent.parent), node.text);
  }
  return symbolOf(checker, node);
}

function symbolOf(checker: ts.TypeChecker, node: UseName): ts.Symbol[] {
  const symbol = checker.getSymbolAtLocation(node);
  return symbol === undefined ? [] : [resolveAlias(checker, symbol)];
}

function shorthandValue(checker: ts.TypeChecker, node: ts.Node): ts.Symbol[] {
  if (!ts.isShorthandPropertyAssignment(node)) return [];
  const symbol = checker.getShorthandAssignmentValueSymbol(node);
  return symbol === undefined ? [] : [resolveAlias(checker, symbol)];
}

/** The properties of that name, of each constituent of a union. */
export function propertiesNamed(checker: ts.TypeChecker, type: ts.Type, name: string): ts.Symbol[] {
  return (type.isUnion() ? type.types : [type]).flatMap((part) => {
    const property = checker.getPropertyOfType(part, name);
    return property === undefined ? [] : [property];
  });
}
