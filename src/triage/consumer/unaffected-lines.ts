import ts from "typescript";
import { declarationKeys, resolveAlias } from "../compiler/declarations.ts";
import { type Location, lineKey } from "../facts/finding.ts";
import type { ConsumerProgram } from "./consumer-program.ts";
import { numberReading, numberUsesIn } from "./enum-numbers.ts";
import { placeOf, propertiesNamed, symbolsAt, type UseName } from "./symbol-uses.ts";

type UnaffectedSettings = {
  readonly before: ConsumerProgram;
  readonly after: ConsumerProgram;
  readonly root: string;
  /** The folders of both versions. */
  readonly directories: readonly string[];
  /** Keys of the lines that have new errors, or uses that the compiler cannot object to. */
  readonly broken: ReadonlySet<string>;
};

/** One text for the use of a declaration on a line. */
export function useKey(declaration: string, place: Location): string {
  return `${declaration} ${lineKey(place)}`;
}

/**
 * Keys of lines, and of uses on a line, where the compiler makes the same of every use of the
 * package with either version, and objects to nothing: a type that changed elsewhere, or for
 * others, does not reach them. Two types are the same here if they read the same, so that one that
 * hides a change behind its name counts as the same; its members are uses of their own.
 */
export function unaffectedLines(settings: UnaffectedSettings): ReadonlySet<string> {
  const { before, after } = settings;
  const options = before.program.getCompilerOptions();
  // Without them `string` and `string | undefined` read the same.
  if ((options.strictNullChecks ?? options.strict) === false) return new Set();

  const readers = [
    new TypeReader(before.program.getTypeChecker(), settings.directories),
    new TypeReader(after.program.getTypeChecker(), settings.directories),
  ] as const;
  const agreed = new Map<string, boolean>();
  for (const file of before.files) {
    // Both programs share what is parsed; a file that they do not share cannot be compared.
    if (after.program.getSourceFile(file.fileName) !== file) continue;
    for (const node of readers[0].usesIn(file)) {
      const place = placeOf(node, settings.root);
      const same = !settings.broken.has(lineKey(place)) && readsAlike(node, readers);
      const uses = readers[0].declarationsAt(node).map((key) => useKey(key, place));
      for (const key of [lineKey(place), ...uses]) {
        agreed.set(key, same && agreed.get(key) !== false);
      }
    }
    for (const place of movedNumbers(file, readers))
      agreed.set(lineKey(placeOf(place, settings.root)), false);
  }
  return new Set([...agreed].flatMap(([key, same]) => (same ? [key] : [])));
}

/** Where a value of an enum meets a number that means something else in the new version. */
function movedNumbers(file: ts.SourceFile, [before, after]: Readers): ts.Node[] {
  const now = new Map(after.numberReadingsIn(file));
  return before
    .numberReadingsIn(file)
    .flatMap(([node, then]) => (now.get(node) === then ? [] : [node]));
}

type Readers = readonly [before: TypeReader, after: TypeReader];

function readsAlike(node: UseName, [before, after]: Readers): boolean {
  // To import a thing that is there is to do nothing with it yet.
  if (ts.findAncestor(node, ts.isImportDeclaration) !== undefined) {
    return ts.isStringLiteralLike(node) || before.foundAs(node) === after.foundAs(node);
  }
  const then = before.readingsOf(node);
  const now = after.readingsOf(node);
  return then.join() === now.join() && !then.includes("any");
}

/** Tells types as the compiler of one version reads them at a use. */
class TypeReader {
  readonly #checker: ts.TypeChecker;
  readonly #directories: readonly string[];

  constructor(checker: ts.TypeChecker, directories: readonly string[]) {
    this.#checker = checker;
    this.#directories = directories;
  }

  usesIn(file: ts.SourceFile): UseName[] {
    const uses: UseName[] = [];
    const visit = (node: ts.Node): void => {
      if (
        (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) &&
        symbolsAt(this.#checker, node).some((symbol) => this.#isOfPackage(symbol))
      ) {
        uses.push(node);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return uses;
  }

  /** What is made of each value of an enum that meets a number, by where it does. */
  numberReadingsIn(file: ts.SourceFile): [ts.Node, string][] {
    const isForeign = (declaration: ts.Node): boolean => this.#isNodeOfPackage(declaration);
    return numberUsesIn(file, this.#checker, isForeign).map((use) => [
      use.node,
      numberReading(this.#checker, use),
    ]);
  }

  declarationsAt(node: UseName): string[] {
    return symbolsAt(this.#checker, node).flatMap(declarationKeys);
  }

  /** What a name that is imported leads to: without a default export, that may be the module. */
  foundAs(node: UseName): "module" | "export" | null {
    const declarations = symbolsAt(this.#checker, node).flatMap(
      (symbol) => symbol.declarations ?? [],
    );
    if (declarations.length === 0) return null;
    return declarations.every((one) => ts.isSourceFile(one)) ? "module" : "export";
  }

  /** What the compiler makes of a use: its result, and what is asked of what is given to it. */
  readingsOf(node: UseName): string[] {
    const { parent } = node;
    if (ts.isObjectLiteralElementLike(parent) && ts.isObjectLiteralExpression(parent.parent)) {
      return this.#givenReadings(parent, parent.parent, node.text);
    }
    const { end, given } = chainOf(node);
    const callbacks = given
      .map((argument) => ({ argument, type: this.#checker.getTypeAtLocation(argument) }))
      .filter(({ type }) => isCallable(type) && !this.#isTypeOfPackage(type))
      .map(
        ({ argument, type }) =>
          this.#takenInline(argument) ??
          this.#takenBy(type, this.#checker.getContextualType(argument)),
      );
    return [this.#resultOf(end), ...callbacks, ...this.#valuesOf(node)];
  }

  /**
   * What a callback that is written on the spot makes of the values it gets, where it only takes
   * members of each; null where it does more.
   */
  #takenInline(callback: ts.Node): string | null {
    if (!ts.isArrowFunction(callback) && !ts.isFunctionExpression(callback)) return null;
    const taken = callback.parameters.map(({ name, dotDotDotToken, type }) =>
      ts.isIdentifier(name) && dotDotDotToken === undefined && type === undefined
        ? this.#madeOf(name, callback.body)
        : null,
    );
    return taken.includes(null) ? null : taken.join("|");
  }

  /** The members that are taken of a value, and what they are; null where more is done with it. */
  #madeOf(name: ts.Identifier, body: ts.ConciseBody): string | null {
    const symbol = this.#checker.getSymbolAtLocation(name);
    const made: string[] = [];
    const isMore = (node: ts.Node): boolean => {
      const isUse = ts.isIdentifier(node) && node.text === name.text;
      if (isUse && symbol !== undefined && this.#checker.getSymbolAtLocation(node) === symbol) {
        const own = this.#madeAt(node);
        if (own !== null) made.push(own);
        return own === null;
      }
      return ts.forEachChild(node, (child) => isMore(child) || undefined) === true;
    };
    return isMore(body) ? null : made.join();
  }

  #madeAt(node: ts.Identifier): string | null {
    const { parent } = node;
    if (!ts.isPropertyAccessExpression(parent) || parent.expression !== node) return null;
    const text = this.#textOf(this.#checker.getTypeAtLocation(parent));
    return text === "any" ? null : `.${parent.name.text}: ${text}`;
  }

  /**
   * What a callback gets: as many of the parameters as it takes, by whichever way it may be
   * called.
   */
  #takenBy(callback: ts.Type, expected: ts.Type | undefined): string {
    if (expected === undefined || (callback.flags & ts.TypeFlags.Any) !== 0) return "any";
    const taken = Math.max(
      ...callback
        .getCallSignatures()
        .map(({ parameters, declaration }) =>
          declaration?.parameters.some(
            (one) =>
              !ts.isJSDocSignature(one) && ts.isParameter(one) && one.dotDotDotToken !== undefined,
          ) === true
            ? Infinity
            : parameters.length,
        ),
    );
    const ways = (expected.isUnion() ? expected.types : [expected]).flatMap((part) =>
      part.getCallSignatures(),
    );
    if (ways.length === 0) return "any";
    return ways
      .map(({ parameters }) =>
        parameters
          .slice(0, taken)
          .map((one) => this.#textOf(this.#checker.getTypeOfSymbol(one)))
          .join(),
      )
      .join("|");
  }

  /** All of an intersection, where it has no name of its own. */
  #isMadeByPackage(type: ts.Type): boolean {
    if (this.#isTypeOfPackage(type)) return true;
    return type.isIntersection() && type.types.every((part) => this.#isTypeOfPackage(part));
  }

  #isTypeOfPackage({ symbol, aliasSymbol }: ts.Type): boolean {
    return [symbol, aliasSymbol].some((one) => one !== undefined && this.#isOfPackage(one));
  }

  /**
   * A result of the package's own types that is taken apart on the spot says nothing by itself:
   * what is taken of it are uses of their own. Neither does one that nobody takes, unless somebody
   * may have to wait for it; of a list that is taken apart only those that are taken count.
   */
  #resultOf(end: ts.Node): string {
    const type = this.#checker.getTypeAtLocation(end);
    if (ts.isExpressionStatement(end.parent)) {
      const isAwaited = this.#checker.getPropertyOfType(type, "then") !== undefined;
      const isKnown = (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Never)) === 0;
      if (isKnown && !isAwaited && isCall(end)) return "dropped";
    }
    const taken = this.#elementsOf(end.parent);
    if (taken !== null && this.#checker.isTupleType(type)) return taken;
    const parts = type.isUnion() ? type.types : [type];
    const isOwn = parts.every((part) => this.#isMadeByPackage(part));
    if (isOwn && this.#isGivenAway(end)) return "given back";
    const taking = isOwn ? this.#takenApart(end) : null;
    return taking === null ? this.#textOf(type) : ["taken apart", ...taking].join();
  }

  /** What `const [a, b] =` takes of a list of fixed length. */
  #elementsOf(declaration: ts.Node): string | null {
    if (!ts.isVariableDeclaration(declaration)) return null;
    const { name } = declaration;
    if (!ts.isArrayBindingPattern(name)) return null;
    const elements = name.elements.filter((one) => !ts.isOmittedExpression(one));
    if (elements.some(({ dotDotDotToken }) => dotDotDotToken !== undefined)) return null;
    return elements
      .map(
        (one) =>
          `${name.elements.indexOf(one)}: ${this.#textOf(this.#checker.getTypeAtLocation(one))}`,
      )
      .join();
  }

  /** Whether a call of the package takes it, alone or within objects and lists: it knows its own. */
  #isGivenAway(end: ts.Node): boolean {
    let given = end;
    for (;;) {
      const { parent } = given;
      const isHeld =
        ts.isPropertyAssignment(parent) ||
        ts.isObjectLiteralExpression(parent) ||
        ts.isArrayLiteralExpression(parent);
      if (!isHeld) break;
      given = parent;
    }
    const { parent: call } = given;
    return (
      ts.isCallExpression(call) && call.expression !== given && this.#isFromPackage(call.expression)
    );
  }

  /**
   * What calls of a variable give, where nothing is done with it but to take its members, which are
   * uses of their own, and to call it; null where more is done with it.
   */
  #takenApart({ parent }: ts.Node): string[] | null {
    if (!ts.isVariableDeclaration(parent)) return null;
    if (!ts.isIdentifier(parent.name)) return ts.isObjectBindingPattern(parent.name) ? [] : null;
    if (ts.getCombinedModifierFlags(parent) & ts.ModifierFlags.Export) return null;
    const symbol = this.#checker.getSymbolAtLocation(parent.name);
    const { name } = parent;
    const results: string[] = [];
    const isApart = (node: ts.Node): boolean => {
      const isUse = ts.isIdentifier(node) && node.text === name.text && node !== name;
      if (isUse && this.#checker.getSymbolAtLocation(node) === symbol) {
        const { parent: around } = node;
        if (ts.isCallExpression(around) && around.expression === node) {
          results.push(this.#textOf(this.#checker.getTypeAtLocation(around)));
          return true;
        }
        return ts.isPropertyAccessExpression(around) && around.expression === node;
      }
      return ts.forEachChild(node, (child) => (isApart(child) ? undefined : true)) !== true;
    };
    return symbol !== undefined && isApart(name.getSourceFile()) ? results : null;
  }

  /**
   * What is given under a key is for the compiler to judge, and it has no objection: only what the
   * package gives back to it, by calling it, is read, and what nobody knows the type of.
   */
  #givenReadings(
    property: ts.ObjectLiteralElementLike,
    literal: ts.ObjectLiteralExpression,
    name: string,
  ): string[] {
    const expected = this.#checker.getContextualType(literal);
    const keyed = expected === undefined ? [] : propertiesNamed(this.#checker, expected, name);
    if (keyed.length === 0) return ["any"];
    const value = this.#checker.getTypeAtLocation(
      ts.isPropertyAssignment(property) ? property.initializer : (property.name ?? property),
    );
    if (!isCallable(value)) return ["given"];
    return keyed.map((symbol) => this.#takenBy(value, this.#checker.getTypeOfSymbol(symbol)));
  }

  /** The value of a member of an enum, unless it goes back to the package, which knows it anew. */
  #valuesOf(node: UseName): string[] {
    const symbol = this.#checker.getSymbolAtLocation(node);
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.EnumMember) === 0) return [];
    if (this.#isGivenBack(node.parent)) return [];
    const [declaration] = symbol.declarations ?? [];
    const isMember = declaration !== undefined && ts.isEnumMember(declaration);
    return [String(isMember ? this.#checker.getConstantValue(declaration) : undefined)];
  }

  /** Whether the package takes it, or it is held against something that the package gave. */
  #isGivenBack(use: ts.Node): boolean {
    const { parent } = use;
    if (ts.isCaseClause(parent)) return this.#isFromPackage(parent.parent.parent.expression);
    if (ts.isBinaryExpression(parent)) {
      return this.#isFromPackage(parent.left === use ? parent.right : parent.left);
    }
    if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
      return parent.expression !== use && this.#isFromPackage(parent.expression);
    }
    if (!ts.isPropertyAssignment(parent) || !ts.isObjectLiteralExpression(parent.parent))
      return false;
    const expected = this.#checker.getContextualType(parent.parent);
    const keyed =
      expected === undefined ? [] : propertiesNamed(this.#checker, expected, parent.name.getText());
    return keyed.length > 0 && keyed.every((symbol) => this.#isOfPackage(symbol));
  }

  #isFromPackage(expression: ts.Expression): boolean {
    const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
    const symbol = this.#checker.getSymbolAtLocation(name);
    return symbol !== undefined && this.#isOfPackage(resolveAlias(this.#checker, symbol));
  }

  #isOfPackage({ declarations = [] }: ts.Symbol): boolean {
    return declarations.some((node) => this.#isNodeOfPackage(node));
  }

  #isNodeOfPackage(node: ts.Node): boolean {
    const { fileName } = node.getSourceFile();
    return this.#directories.some((directory) => fileName.startsWith(`${directory}/`));
  }

  /**
   * A type as it reads, those of the package by their names alone: what stands between their
   * brackets differs from version to version, and is read where their members are used.
   */
  #textOf(type: ts.Type): string {
    const node = this.#checker.typeToTypeNode(type, undefined, SPELLED);
    if (node === undefined) return "any";
    const { transformed } = ts.transform<ts.TypeNode>(node, [
      (context) => (start) => {
        const visit = (part: ts.Node): ts.Node => {
          if (ts.isTypeReferenceNode(part) && this.#isNameOfPackage(part.typeName)) {
            return context.factory.createTypeReferenceNode(part.typeName);
          }
          // To write to what is readonly is an error, and to read it is to read it.
          const isReadonly =
            ts.isTypeOperatorNode(part) && part.operator === ts.SyntaxKind.ReadonlyKeyword;
          if (isReadonly) return visit(part.type);
          return ts.visitEachChild(part, visit, context);
        };
        const visited = visit(start);
        return ts.isTypeNode(visited) ? visited : start;
      },
    ]);
    const [named = node] = transformed;
    return PRINTER.printNode(ts.EmitHint.Unspecified, named, NO_FILE);
  }

  #isNameOfPackage(name: ts.EntityName): boolean {
    const last = ts.isQualifiedName(name) ? name.right : name;
    const symbol = writtenFor(last);
    return symbol !== undefined && this.#isOfPackage(symbol);
  }
}

/** The compiler notes on names that it writes what they stand for. */
function writtenFor(name: ts.Node & { readonly symbol?: ts.Symbol }): ts.Symbol | undefined {
  return name.symbol;
}

const PRINTER = ts.createPrinter({ removeComments: true });
const NO_FILE = ts.createSourceFile("types.ts", "", ts.ScriptTarget.Latest);

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

function isCall(node: ts.Node): boolean {
  return ts.isCallExpression(node) || ts.isNewExpression(node);
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
const SPELLED: ts.NodeBuilderFlags =
  ts.NodeBuilderFlags.NoTruncation |
  ts.NodeBuilderFlags.InTypeAlias |
  ts.NodeBuilderFlags.UseAliasDefinedOutsideCurrentScope |
  ts.NodeBuilderFlags.IgnoreErrors;
