import ts from "typescript";
import type { GivenKind, PackageCall, PackageUse } from "../facts/package-use.ts";
import { scriptOf } from "./component-scripts.ts";
import type { ConsumerFile } from "./consumer-files.ts";
import { requireNames } from "./imports.ts";
import type { Specifiers } from "./specifiers.ts";

/**
 * What a file does with what it has of the package: which members it takes, what it calls and with
 * what, through the names that it gives to what comes of that. Goes by the names alone, and
 * follows no value into a function or another file.
 */
export function packageUses(file: ConsumerFile, specifiers: Specifiers): PackageUse[] {
  // A filter before the parser: most files never name the package.
  if (!specifiers.hints.some((hint) => file.text.includes(hint))) return [];
  return new UseReader(file, specifiers).read();
}

/** A value that the package gave. */
type Value = Pick<PackageUse, "subpath" | "name" | "isResult">;

/** Members from a call on: deeper ones are another value's. */
const STEPS_MAX = 10;

class UseReader {
  readonly #path: string;
  readonly #source: ts.SourceFile;
  readonly #specifiers: Specifiers;
  readonly #requires: ReadonlySet<string>;
  readonly #values = new Map<string, Value>();
  /** How often a name is declared: of one that is declared again, nobody knows which is meant. */
  readonly #declared = new Map<string, number>();
  /** Objects that are named before they are given as options. */
  readonly #objects = new Map<string, ts.ObjectLiteralExpression>();
  readonly #uses: PackageUse[] = [];

  constructor(file: ConsumerFile, specifiers: Specifiers) {
    const { path, text } = scriptOf(file);
    this.#path = file.path;
    this.#source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    this.#specifiers = specifiers;
    this.#requires = requireNames(this.#source);
  }

  read(): PackageUse[] {
    this.#visitAll((node) => this.#countName(node));
    this.#visitAll((node) => this.#nameValue(node));
    this.#visitAll((node) => this.#use(node));
    return this.#uses;
  }

  #visitAll(visit: (node: ts.Node) => void): void {
    const each = (node: ts.Node): void => {
      visit(node);
      ts.forEachChild(node, each);
    };
    each(this.#source);
  }

  #countName(node: ts.Node): void {
    const isDeclared =
      ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);
    if (!isDeclared || !ts.isIdentifier(node.name)) return;
    this.#declared.set(node.name.text, (this.#declared.get(node.name.text) ?? 0) + 1);
    if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return;
    const given = withoutWrapping(node.initializer);
    if (ts.isObjectLiteralExpression(given)) this.#objects.set(node.name.text, given);
  }

  #nameValue(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) this.#import(node);
    else if (ts.isImportEqualsDeclaration(node)) {
      const { moduleReference } = node;
      if (!ts.isExternalModuleReference(moduleReference)) return;
      const subpath = this.#subpathIn(moduleReference.expression);
      if (subpath !== null) this.#values.set(node.name.text, { subpath, ...WHOLE });
    } else if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      const value = this.#valueOf(node.initializer, 0);
      if (value === null) return;
      if (ts.isIdentifier(node.name)) this.#name(node.name.text, value);
      else if (!value.isResult) this.#pattern(node.name, value);
    }
  }

  #import({ moduleSpecifier, importClause }: ts.ImportDeclaration): void {
    const subpath = this.#subpathIn(moduleSpecifier);
    if (subpath === null || importClause === undefined) return;
    const { name, namedBindings } = importClause;
    const isResult = false;
    if (name !== undefined) this.#values.set(name.text, { subpath, name: "default", isResult });
    if (namedBindings === undefined) return;
    if (ts.isNamespaceImport(namedBindings)) {
      this.#values.set(namedBindings.name.text, { subpath, ...WHOLE });
      return;
    }
    for (const { propertyName, name: local } of namedBindings.elements) {
      this.#values.set(local.text, { subpath, name: (propertyName ?? local).text, isResult });
    }
  }

  #name(local: string, value: Value): void {
    if (this.#declared.get(local) === 1) this.#values.set(local, value);
  }

  /** `const { v4: id } = require("p")` */
  #pattern(pattern: ts.BindingName, { subpath, name }: Value): void {
    if (!ts.isObjectBindingPattern(pattern)) return;
    for (const { propertyName, name: local } of pattern.elements) {
      const key = propertyName ?? local;
      if (!ts.isIdentifier(key) || !ts.isIdentifier(local)) continue;
      const isExport = name === "*";
      this.#name(local.text, { subpath, name: isExport ? key.text : name, isResult: !isExport });
    }
  }

  #use(node: ts.Node): void {
    if (ts.isPropertyAccessExpression(node)) this.#useMember(node, node.name.text);
    else if (ts.isElementAccessExpression(node)) {
      const { argumentExpression: key } = node;
      this.#useMember(node, ts.isStringLiteralLike(key) ? key.text : "");
    } else if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      this.#usePattern(node.name, node.initializer);
    } else if (isCall(node)) {
      const callee = withoutWrapping(calleeOf(node));
      // One of a member is told where the member is taken.
      if (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee)) return;
      const value = this.#valueOf(callee, 0);
      if (value !== null) this.#add(callee, value, { member: null, call: this.#callOf(node) });
    }
  }

  #useMember(node: ts.PropertyAccessExpression | ts.ElementAccessExpression, member: string): void {
    const value = this.#valueOf(node.expression, 0);
    if (value === null) return;
    const { parent } = node;
    const call = isCall(parent) && calleeOf(parent) === node ? this.#callOf(parent) : null;
    const at = ts.isPropertyAccessExpression(node) ? node.name : node;
    this.#add(at, value, { member, call });
  }

  #usePattern(pattern: ts.BindingName, given: ts.Expression): void {
    const value = ts.isObjectBindingPattern(pattern) ? this.#valueOf(given, 0) : null;
    if (value === null || !ts.isObjectBindingPattern(pattern)) return;
    for (const { propertyName, name, dotDotDotToken } of pattern.elements) {
      const key = propertyName ?? name;
      const isPlain = ts.isIdentifier(key) && dotDotDotToken === undefined;
      if (isPlain) this.#add(key, value, { member: key.text, call: null });
    }
  }

  /** What an expression has of the package; null for nothing, as far as it is seen. */
  #valueOf(written: ts.Expression, step: number): Value | null {
    if (step > STEPS_MAX) return null;
    const node = withoutWrapping(written);
    if (ts.isIdentifier(node)) return this.#values.get(node.text) ?? null;
    if (node.kind === ts.SyntaxKind.ThisKeyword) return this.#inherited(node, step);
    if (isCall(node)) {
      const loaded = this.#loaded(node);
      if (loaded !== null) return loaded;
      const value = this.#valueOf(calleeOf(node), step + 1);
      return value === null ? null : { ...value, isResult: true };
    }
    if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return null;
    const value = this.#valueOf(node.expression, step + 1);
    if (value === null || value.isResult) return value;
    const isExport = value.name === "*" && ts.isPropertyAccessExpression(node);
    return isExport ? { ...value, name: node.name.text } : { ...value, isResult: true };
  }

  /** `this`, in a class that extends one of the package. */
  #inherited(node: ts.Node, step: number): Value | null {
    let around = node;
    while (!ts.isClassLike(around) && around.parent !== undefined) around = around.parent;
    if (!ts.isClassLike(around)) return null;
    const clause = around.heritageClauses?.find(
      ({ token }) => token === ts.SyntaxKind.ExtendsKeyword,
    );
    const base = clause?.types[0]?.expression;
    const value = base === undefined ? null : this.#valueOf(base, step + 1);
    return value === null ? null : { ...value, isResult: true };
  }

  /** `require("p")`, `import("p")` */
  #loaded(node: ts.Node): Value | null {
    if (!ts.isCallExpression(node)) return null;
    const { expression } = node;
    const isLoad =
      expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(expression) && this.#requires.has(expression.text));
    const subpath = isLoad ? this.#subpathIn(node.arguments[0]) : null;
    return subpath === null ? null : { subpath, ...WHOLE };
  }

  #subpathIn(specifier: ts.Node | undefined): string | null {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return null;
    return this.#specifiers.subpathIn(this.#path, specifier.text);
  }

  #callOf(node: Call): PackageCall {
    const given = argumentsOf(node);
    const isSpread = given.some((one) => ts.isSpreadElement(one));
    return {
      count: isSpread ? null : given.length,
      kinds: isSpread ? [] : given.map(kindOf),
      options: given.flatMap((one) => this.#optionsIn(one, 0)),
      texts: given.flatMap(textsIn),
      isNew: ts.isNewExpression(node),
    };
  }

  #optionsIn(written: ts.Expression, depth: number): string[] {
    const given = withoutWrapping(written);
    const named = ts.isIdentifier(given) ? given.text : "";
    const isOne = this.#declared.get(named) === 1;
    const node = isOne ? (this.#objects.get(named) ?? given) : given;
    if (!ts.isObjectLiteralExpression(node) || depth > 1) return [];
    return node.properties.flatMap((property) => {
      const { name } = property;
      if (name === undefined || !(ts.isIdentifier(name) || ts.isStringLiteralLike(name))) return [];
      const inner = ts.isPropertyAssignment(property)
        ? this.#optionsIn(property.initializer, depth + 1)
        : [];
      return [name.text, ...inner];
    });
  }

  #add(node: ts.Node, value: Value, what: Pick<PackageUse, "member" | "call">): void {
    const { line } = this.#source.getLineAndCharacterOfPosition(node.getStart(this.#source));
    this.#uses.push({ path: this.#path, line: line + 1, ...value, ...what });
  }
}

const WHOLE = { name: "*", isResult: false } as const;

type Call = ts.CallExpression | ts.NewExpression | ts.TaggedTemplateExpression;

function isCall(node: ts.Node): node is Call {
  return (
    ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isTaggedTemplateExpression(node)
  );
}

function calleeOf(node: Call): ts.Expression {
  return ts.isTaggedTemplateExpression(node) ? node.tag : node.expression;
}

function argumentsOf(node: Call): readonly ts.Expression[] {
  return ts.isTaggedTemplateExpression(node) ? [] : (node.arguments ?? []);
}

function kindOf(written: ts.Expression): GivenKind {
  const given = withoutWrapping(written);
  if (ts.isStringLiteralLike(given) || ts.isTemplateExpression(given)) return "text";
  if (ts.isNumericLiteral(given)) return "number";
  if (ts.isArrowFunction(given) || ts.isFunctionExpression(given)) return "function";
  if (ts.isObjectLiteralExpression(given)) return "object";
  return ts.isArrayLiteralExpression(given) ? "list" : "value";
}

function textsIn(given: ts.Expression): string[] {
  if (ts.isStringLiteralLike(given)) return [given.text];
  return ts.isArrayLiteralExpression(given) ? given.elements.flatMap(textsIn) : [];
}

function withoutWrapping(node: ts.Expression): ts.Expression {
  const isWrapped =
    ts.isParenthesizedExpression(node) ||
    ts.isAwaitExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node);
  return isWrapped ? withoutWrapping(node.expression) : node;
}
