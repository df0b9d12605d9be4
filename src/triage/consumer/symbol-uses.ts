import ts from "typescript";
import { declarationKeys, locationOf, resolveAlias } from "../compiler/declarations.ts";
import type { Location } from "../facts/finding.ts";
import { componentPath } from "./component-scripts.ts";
import type { ConsumerProgram } from "./consumer-program.ts";

/** Places of use by declaration key. */
export type SymbolUses = ReadonlyMap<string, readonly Location[]>;

/**
 * Where the consumer's files use something that is declared elsewhere, by declaration:
 * names, members (`error.retriesLeft`), keys of object literals, which mean a member of the
 * type that is expected there, and destructured keys.
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
  for (const file of files) visit(file);
  return uses;
}

/** Where a node stands for its author: in a component, if its script is what is compiled. */
export function placeOf(node: ts.Node, root: string): Location {
  const { path, line } = locationOf(node, root);
  return { path: componentPath(path), line };
}

/** What can name a thing of a package. */
type UseName = ts.Identifier | ts.StringLiteralLike;

/** The symbols that a name means where it stands. */
function symbolsAt(checker: ts.TypeChecker, node: UseName): ts.Symbol[] {
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
function propertiesNamed(checker: ts.TypeChecker, type: ts.Type, name: string): ts.Symbol[] {
  return (type.isUnion() ? type.types : [type]).flatMap((part) => {
    const property = checker.getPropertyOfType(part, name);
    return property === undefined ? [] : [property];
  });
}

type UnaffectedSettings = {
  readonly before: ConsumerProgram;
  readonly after: ConsumerProgram;
  readonly root: string;
  /** The folder of the old version. */
  readonly directory: string;
  /** Files in which the compiler has new errors: nothing in them counts as unaffected. */
  readonly broken: ReadonlySet<string>;
};

/**
 * Lines where the compiler makes the same of every use of the package with either version, and
 * objects to nothing: a type that changed elsewhere, or for others, does not reach them. Two types
 * are the same here if they read the same, so that one that hides a change behind its name counts
 * as the same; its members are uses of their own.
 */
export function unaffectedLines(settings: UnaffectedSettings): string[] {
  const { before, after, root } = settings;
  const options = before.program.getCompilerOptions();
  // Without them `string` and `string | undefined` read the same.
  if ((options.strictNullChecks ?? options.strict) === false) return [];

  const checkers = [before.program.getTypeChecker(), after.program.getTypeChecker()] as const;
  const agreed = new Map<string, boolean>();
  for (const file of before.files) {
    // Both programs share what is parsed; a file that they do not share cannot be compared.
    if (after.program.getSourceFile(file.fileName) !== file) continue;
    for (const node of usesIn(file, checkers[0], settings.directory)) {
      const { path, line } = placeOf(node, root);
      const key = lineKey({ path, line });
      const same = !settings.broken.has(path) && readsAlike(node, checkers);
      agreed.set(key, same && agreed.get(key) !== false);
    }
  }
  return [...agreed].flatMap(([key, same]) => (same ? [key] : []));
}

export function lineKey({ path, line }: Location): string {
  return `${path}:${line}`;
}

function usesIn(file: ts.SourceFile, checker: ts.TypeChecker, directory: string): UseName[] {
  const uses: UseName[] = [];
  const isOfPackage = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.some((node) =>
      node.getSourceFile().fileName.startsWith(`${directory}/`),
    ) === true;
  const visit = (node: ts.Node): void => {
    if (
      (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) &&
      symbolsAt(checker, node).some(isOfPackage)
    ) {
      uses.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return uses;
}

type Checkers = readonly [before: ts.TypeChecker, after: ts.TypeChecker];

function readsAlike(node: UseName, [before, after]: Checkers): boolean {
  // To import a thing is to do nothing with it yet.
  if (ts.findAncestor(node, ts.isImportDeclaration) !== undefined) return true;
  const then = readingsOf(before, node);
  const now = readingsOf(after, node);
  return then.join() === now.join() && !then.includes("any");
}

/** What the compiler makes of a use: its result, and what is asked of what is given to it. */
function readingsOf(checker: ts.TypeChecker, node: UseName): string[] {
  const { parent } = node;
  if (ts.isObjectLiteralElementLike(parent) && ts.isObjectLiteralExpression(parent.parent)) {
    const expected = checker.getContextualType(parent.parent);
    const keyed = expected === undefined ? [] : propertiesNamed(checker, expected, node.text);
    return keyed.map((symbol) => textOf(checker, checker.getTypeOfSymbol(symbol)));
  }
  const { end, given } = chainOf(node);
  const wanted = given
    .filter((argument) => isCallable(checker.getTypeAtLocation(argument)))
    .map((argument) => checker.getContextualType(argument))
    .map((type) => (type === undefined ? "any" : textOf(checker, type)));
  return [textOf(checker, checker.getTypeAtLocation(end)), ...wanted];
}

/** As far as the text goes on with a thing, `p.of(x).then`, and the arguments on the way. */
function chainOf(start: ts.Node): { end: ts.Node; given: ts.Expression[] } {
  const given: ts.Expression[] = [];
  let end = start;
  for (;;) {
    const { parent } = end;
    const called =
      (ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.expression === end;
    if (called) given.push(...(parent.arguments ?? []));
    else if (!goesOn(parent, end)) return { end, given };
    end = parent;
  }
}

function goesOn(parent: ts.Node, child: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) return true;
  if (ts.isElementAccessExpression(parent)) return parent.expression === child;
  return (
    ts.isAwaitExpression(parent) ||
    ts.isParenthesizedExpression(parent) ||
    ts.isNonNullExpression(parent) ||
    ts.isTypeReferenceNode(parent)
  );
}

/** Whether it may be a callback, whose arguments come from the package. */
function isCallable(type: ts.Type): boolean {
  return type.getCallSignatures().length > 0 || (type.flags & ts.TypeFlags.Any) !== 0;
}

/** An alias is spelled out: its name stays where the union behind it grows. */
const SPELLED: ts.TypeFormatFlags =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.InTypeAlias |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

function textOf(checker: ts.TypeChecker, type: ts.Type): string {
  return checker.typeToString(type, undefined, SPELLED);
}
