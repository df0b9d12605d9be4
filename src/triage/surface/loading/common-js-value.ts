/**
 * What a file of CommonJS leaves in `module.exports`, told from its text: a pure reading of the
 * syntax tree, with tests of its own. What depends on more than the text is unknown.
 */
import ts from "typescript";
import { isExports, isModuleExports } from "../defaults/common-js.ts";

/** What can be done with a value. A function may be constructed as well; a class only that. */
export type ExportedKind = "function" | "class" | "object" | "namespace" | "unknown";

export type CommonJsValue = {
  readonly whole: ExportedKind;
  readonly members: ReadonlyMap<string, ExportedKind>;
  /** Whether there are no members but these. */
  readonly isComplete: boolean;
};

export const UNKNOWN_VALUE: CommonJsValue = {
  whole: "unknown",
  members: new Map(),
  isComplete: false,
};

/** Tells the value of what a file requires. */
type Required = (specifier: string) => CommonJsValue;

export function valueIn(text: string, required: Required): CommonJsValue {
  const file = ts.createSourceFile("module.js", text, PARSED, true, ts.ScriptKind.JS);
  return new Reader(file, required).read();
}

const PARSED: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

/** Whether the top level of an ES module waits for something. */
export function hasTopLevelAwait(text: string): boolean {
  if (!/\bawait\b/.test(text)) return false;
  const visit = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isAwaitExpression(node)) return true;
    if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return true;
    return ts.forEachChild(node, visit) ?? false;
  };
  return visit(ts.createSourceFile("module.mjs", text, PARSED, true, ts.ScriptKind.JS));
}

/** Steps from an expression to what it stands for; more are a circle. */
const STEPS_MAX = 20;

class Reader {
  readonly #file: ts.SourceFile;
  readonly #required: Required;
  readonly #locals = new Map<string, ts.Expression | ts.Declaration>();
  /** Names that are set more than once, so that none of their values is the one. */
  readonly #changing = new Set<string>();
  readonly #wholes: ts.Expression[] = [];
  readonly #members = new Map<string, ts.Expression | null>();
  /** Members by the local name that they are set on: `f.extra = …`. */
  readonly #added = new Map<string, Map<string, ts.Expression>>();
  /** Local names whose members may be set elsewhere: by a key that is worked out, or by a call. */
  readonly #handedOn = new Set<string>();
  #isOpen = false;

  constructor(file: ts.SourceFile, required: Required) {
    this.#file = file;
    this.#required = required;
  }

  read(): CommonJsValue {
    this.#visit(this.#file, false);
    if (this.#wholes.length === 0) return this.#ofMembers();
    const values = this.#wholes.map((node) => this.#value(node, 0));
    const [first = UNKNOWN_VALUE, ...others] = values;
    const isAgreed = others.every(({ whole }) => whole === first.whole);
    const own = this.#ownMembers();
    const members = new Map([...values.flatMap((value) => [...value.members]), ...own]);
    const isComplete = !this.#isOpen && values.every((value) => value.isComplete);
    return { whole: isAgreed ? first.whole : "unknown", members, isComplete };
  }

  #ofMembers(): CommonJsValue {
    return {
      whole: this.#isOpen ? "unknown" : "object",
      members: this.#ownMembers(),
      isComplete: !this.#isOpen,
    };
  }

  #ownMembers(): Map<string, ExportedKind> {
    return new Map(
      [...this.#members].map(([name, node]) => [
        name,
        node === null ? "unknown" : this.#value(node, 0).whole,
      ]),
    );
  }

  /** `isInner`: in a function, which may run at any time or never. */
  #visit(node: ts.Node, isInner: boolean): void {
    if (!isInner) this.#declare(node);
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      this.#assign(node.left, node.right, isInner);
    }
    if (ts.isCallExpression(node)) this.#call(node, isInner);
    if (isHandedOn(node)) this.#isOpen = true;
    const inner = isInner || (ts.isFunctionLike(node) && !isCalledAtOnce(node));
    ts.forEachChild(node, (child) => this.#visit(child, inner));
  }

  #declare(node: ts.Node): void {
    if (
      (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) &&
      node.name !== undefined
    ) {
      this.#setLocal(node.name.text, node);
    }
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer !== undefined
    ) {
      this.#setLocal(node.name.text, node.initializer);
    }
  }

  #setLocal(name: string, node: ts.Expression | ts.Declaration): void {
    if (this.#locals.has(name)) this.#changing.add(name);
    this.#locals.set(name, node);
  }

  #assign(left: ts.Expression, right: ts.Expression, isInner: boolean): void {
    if (
      isModuleExports(left) ||
      (ts.isIdentifier(left) && left.text === "exports" && isModuleExports(valueOf(right)))
    ) {
      if (isInner) this.#isOpen = true;
      const value = valueOf(right);
      if (isModuleExports(left) && !isExports(value)) this.#wholes.push(value);
      return;
    }
    if (ts.isIdentifier(left)) {
      this.#setLocal(left.text, right);
      return;
    }
    const name = memberName(left);
    if (!ts.isPropertyAccessExpression(left) && !ts.isElementAccessExpression(left)) return;
    const { expression } = left;
    if (name === null) {
      if (isExports(expression)) this.#isOpen = true;
      if (ts.isIdentifier(expression)) this.#handedOn.add(expression.text);
      return;
    }
    if (isExports(expression)) {
      // Compilers announce a name as `void 0` before they set it.
      if (!ts.isVoidExpression(valueOf(right))) this.#members.set(name, valueOf(right));
      else if (!this.#members.has(name)) this.#members.set(name, null);
    } else if (ts.isIdentifier(expression)) {
      const added = this.#added.get(expression.text) ?? new Map<string, ts.Expression>();
      this.#added.set(expression.text, added.set(name, valueOf(right)));
    }
  }

  #call(node: ts.CallExpression, isInner: boolean): void {
    const [target, key] = node.arguments;
    for (const given of node.arguments) if (ts.isIdentifier(given)) this.#handedOn.add(given.text);
    if (target === undefined) return;
    const called = node.expression.getText(this.#file);
    if (
      /(?:^|\.)defineProperty$/.test(called) &&
      isExports(target) &&
      key !== undefined &&
      ts.isStringLiteralLike(key)
    ) {
      this.#members.set(key.text, null);
    } else if (
      /(?:^|\.)__exportStar$/.test(called) ||
      /(?:^|\.)(?:assign|defineProperties)$/.test(called)
    ) {
      if (node.arguments.some(isExports)) this.#isOpen = true;
    } else if (isInner && isExports(target)) this.#isOpen = true;
  }

  #value(node: ts.Node, step: number): CommonJsValue {
    if (step > STEPS_MAX) return UNKNOWN_VALUE;
    const expression = ts.isExpression(node) ? valueOf(node) : node;
    if (ts.isFunctionLike(expression)) return plain("function");
    if (ts.isClassLike(expression)) return this.#classValue(expression);
    if (ts.isObjectLiteralExpression(expression)) return this.#objectValue(expression, step);
    if (ts.isIdentifier(expression)) return this.#localValue(expression.text, step);
    if (ts.isNewExpression(expression)) return { ...UNKNOWN_VALUE, whole: newKind(expression) };
    if (ts.isConditionalExpression(expression)) {
      const [one, other] = [expression.whenTrue, expression.whenFalse].map((part) =>
        this.#value(part, step + 1),
      );
      return one !== undefined && one.whole === other?.whole
        ? { ...UNKNOWN_VALUE, whole: one.whole }
        : UNKNOWN_VALUE;
    }
    if (ts.isPropertyAccessExpression(expression)) {
      if (isExports(expression.expression)) return this.#memberValue(expression.name.text, step);
      const of = this.#value(expression.expression, step + 1);
      return { ...UNKNOWN_VALUE, whole: of.members.get(expression.name.text) ?? "unknown" };
    }
    if (ts.isCallExpression(expression)) return this.#callValue(expression, step);
    return isPlainData(expression) ? plain("object") : UNKNOWN_VALUE;
  }

  #memberValue(name: string, step: number): CommonJsValue {
    const node = this.#members.get(name) ?? null;
    return node === null ? UNKNOWN_VALUE : this.#value(node, step + 1);
  }

  #callValue({ expression, arguments: given }: ts.CallExpression, step: number): CommonJsValue {
    const called = expression.getText(this.#file);
    const [first] = given;
    if (called === "require" && first !== undefined && ts.isStringLiteralLike(first))
      return this.#required(first.text);
    if (
      /^Object\.(?:assign|freeze|seal|defineProperty|defineProperties)$/.test(called) &&
      first !== undefined
    ) {
      const { whole, members } = this.#value(first, step + 1);
      return { whole, members, isComplete: false };
    }
    // What esbuild makes of an ES module.
    if (called === "__toCommonJS") {
      return { whole: "object", members: new Map([["__esModule", "unknown"]]), isComplete: false };
    }
    return UNKNOWN_VALUE;
  }

  #localValue(name: string, step: number): CommonJsValue {
    const node = this.#locals.get(name);
    if (node === undefined || this.#changing.has(name)) return UNKNOWN_VALUE;
    const value = this.#value(node, step + 1);
    const added = [...(this.#added.get(name) ?? [])].map(([key, one]): [string, ExportedKind] => [
      key,
      this.#value(one, step + 1).whole,
    ]);
    return {
      whole: value.whole,
      members: new Map([...value.members, ...added]),
      isComplete: value.isComplete && !this.#handedOn.has(name),
    };
  }

  #classValue(node: ts.ClassLikeDeclaration): CommonJsValue {
    const members = node.members.flatMap((member): [string, ExportedKind][] => {
      const isStatic =
        ts.canHaveModifiers(member) &&
        member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
      return isStatic === true && member.name !== undefined
        ? [[nameText(member.name) ?? "", "unknown"]]
        : [];
    });
    return {
      whole: "class",
      members: new Map(members),
      isComplete: node.heritageClauses === undefined,
    };
  }

  #objectValue(node: ts.ObjectLiteralExpression, step: number): CommonJsValue {
    const members = new Map<string, ExportedKind>();
    let isComplete = true;
    for (const property of node.properties) {
      const name = property.name === undefined ? null : nameText(property.name);
      if (name === null) isComplete = false;
      else members.set(name, this.#memberKind(property, step));
    }
    return { whole: "object", members, isComplete };
  }

  #memberKind(property: ts.ObjectLiteralElementLike, step: number): ExportedKind {
    if (ts.isMethodDeclaration(property)) return "function";
    if (ts.isPropertyAssignment(property)) return this.#value(property.initializer, step + 1).whole;
    return ts.isShorthandPropertyAssignment(property)
      ? this.#localValue(property.name.text, step + 1).whole
      : "unknown";
  }
}

function plain(whole: ExportedKind): CommonJsValue {
  return { whole, members: new Map(), isComplete: true };
}

/** The value of an expression that assigns, or stands in parentheses: `a = b = value`. */
function valueOf(node: ts.Expression): ts.Expression {
  if (ts.isParenthesizedExpression(node)) return valueOf(node.expression);
  const isAssignment =
    ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return isAssignment ? valueOf(node.right) : node;
}

function memberName(node: ts.Expression): string | null {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (!ts.isElementAccessExpression(node)) return null;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : null;
}

function nameText(name: ts.PropertyName): string | null {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : null;
}

/** `(function () { … })()`, and what bundlers make of it. */
function isCalledAtOnce(node: ts.Node): boolean {
  if (!ts.isFunctionExpression(node) && !ts.isArrowFunction(node)) return false;
  let outer: ts.Node = node;
  while (ts.isParenthesizedExpression(outer.parent)) outer = outer.parent;
  const { parent } = outer;
  // `(function () { … }).call(this)`
  if (ts.isPropertyAccessExpression(parent) && parent.name.text === "call") outer = parent;
  if (!ts.isCallExpression(outer.parent)) return false;
  return outer.parent.expression === outer && node.parameters.length === 0;
}

/** `exports` or `module` given to somebody else, who may set anything: `factory(exports)`. */
function isHandedOn(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || (node.text !== "exports" && node.text !== "module")) return false;
  const whole =
    ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node;
  const { parent } = whole;
  if (ts.isVariableDeclaration(parent)) return parent.initializer === whole;
  if (!ts.isCallExpression(parent)) return false;
  const called = parent.expression.getText();
  return (
    parent.arguments.some((one) => one === whole) &&
    !/(?:^|\.)(?:defineProperty|__exportStar)$/.test(called)
  );
}

function newKind({ expression }: ts.NewExpression): ExportedKind {
  // A Proxy, or a Function, can be called.
  return ts.isIdentifier(expression) && ["Proxy", "Function"].includes(expression.text)
    ? "unknown"
    : "object";
}

function isPlainData(node: ts.Node): boolean {
  return (
    ts.isLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node) ||
    node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword
  );
}
