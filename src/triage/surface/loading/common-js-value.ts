/**
 * What a file of CommonJS leaves in `module.exports`, told from its text: a pure reading of the
 * syntax tree, with tests of its own. What depends on more than the text is unknown.
 */
import ts from "typescript";
import { isExports, isModuleExports } from "../defaults/common-js.ts";
import {
  assignedValue,
  isFunction,
  isHandedOn,
  isLater,
  isOfInnerFunction,
  isPlainData,
  memberName,
  nameText,
  outOfParentheses,
  ownDeclaration,
  returnsIn,
} from "./common-js-syntax.ts";

/** What can be done with a value. A function may be constructed as well; a class only that. */
export type ExportedKind = "function" | "class" | "object" | "namespace" | "unknown";

export type CommonJsValue = {
  readonly whole: ExportedKind;
  readonly members: ReadonlyMap<string, ExportedKind>;
  /** Whether there are no members but these. */
  readonly isComplete: boolean;
  /** Of a function: what it returns, so many steps away from what was asked for. */
  readonly returned?: ((step: number) => CommonJsValue) | undefined;
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
  /** Parameters that are given `exports`: the file's own functions, and wrappers of bundlers. */
  readonly #exportsNames = new Set<string>();
  /** Functions whose bodies run with the file, and are read as a part of it. */
  readonly #entered = new Set<ts.Node>();
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
    const returned = others.length === 0 ? first.returned : undefined;
    return { whole: isAgreed ? first.whole : "unknown", members, isComplete, returned };
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
    const called = ts.isCallExpression(node) && !isInner ? this.#calledFunction(node) : null;
    if (ts.isCallExpression(node)) this.#call(node, isInner);
    if (isHandedOn(node) && !this.#isFollowed(node.parent)) this.#isOpen = true;
    if (called !== null && ts.isCallExpression(node)) this.#enter(called, node);
    // The body of a function that is entered is read there.
    if (this.#entered.has(node)) return;
    const inner = isInner || ts.isFunctionLike(node);
    ts.forEachChild(node, (child) => this.#visit(child, inner));
  }

  /**
   * The function that a call runs while the file runs: one that stands there,
   * `(function () { … })()`, or a named one that is given `exports`.
   */
  #calledFunction(call: ts.CallExpression): ts.FunctionLikeDeclaration | null {
    const { expression } = call;
    const outer = outOfParentheses(expression);
    // `(function () { … }).call(this)`
    const isCall = ts.isPropertyAccessExpression(outer) && outer.name.text === "call";
    const callee = isCall ? outOfParentheses(outer.expression) : outer;
    const node = ts.isIdentifier(callee) ? this.#givenExports(callee, call) : callee;
    if (node === undefined || !isFunction(node)) return null;
    return node.parameters.every(({ name }) => ts.isIdentifier(name)) ? node : null;
  }

  #givenExports({ text }: ts.Identifier, call: ts.CallExpression) {
    const isGiven = call.arguments.some((one) => this.#isExports(one));
    const local = this.#locals.get(text);
    if (!isGiven || local === undefined || this.#changing.has(text)) return undefined;
    return ts.isExpression(local) ? outOfParentheses(local) : local;
  }

  /** Whether `exports` is given to a function of the file, which is read with it. */
  #isFollowed(parent: ts.Node): boolean {
    return ts.isCallExpression(parent) && this.#calledFunction(parent) !== null;
  }

  /** Read a function that is called while the file runs, with its parameters as they are given. */
  #enter(called: ts.FunctionLikeDeclaration, call: ts.CallExpression): void {
    if (this.#entered.has(called)) return;
    this.#entered.add(called);
    const isThisGiven =
      ts.isPropertyAccessExpression(outOfParentheses(call.expression)) &&
      !isFunction(outOfParentheses(call.expression));
    const given = isThisGiven ? call.arguments.slice(1) : call.arguments;
    called.parameters.forEach(({ name }, index) => {
      const value = given[index];
      if (value === undefined || !ts.isIdentifier(name)) return;
      if (this.#isExports(value)) this.#exportsNames.add(name.text);
      else this.#setLocal(name.text, value);
    });
    if (called.body !== undefined) this.#visit(called.body, false);
  }

  #isMemberOfExports(node: ts.Expression, name: string): boolean {
    return (
      ts.isPropertyAccessExpression(node) &&
      node.name.text === name &&
      this.#isExports(node.expression)
    );
  }

  #isExports(node: ts.Expression): boolean {
    return isExports(node) || (ts.isIdentifier(node) && this.#exportsNames.has(node.text));
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
      (ts.isIdentifier(left) && left.text === "exports" && isModuleExports(assignedValue(right)))
    ) {
      if (isInner) this.#isOpen = true;
      const value = assignedValue(right);
      if (isModuleExports(left) && !isExports(value)) this.#wholes.push(value);
      return;
    }
    if (ts.isIdentifier(left)) {
      if (!isInner || !isOfInnerFunction(left)) this.#setLocal(left.text, right);
      return;
    }
    const name = memberName(left);
    if (!ts.isPropertyAccessExpression(left) && !ts.isElementAccessExpression(left)) return;
    const { expression } = left;
    if (name === null) {
      if (this.#isExports(expression)) this.#isOpen = true;
      if (ts.isIdentifier(expression)) this.#handedOn.add(expression.text);
      return;
    }
    if (this.#isExports(expression)) {
      // `module.exports.default = exports.default`: that member itself.
      if (this.#isMemberOfExports(assignedValue(right), name)) return;
      // Compilers announce a name as `void 0` before they set it.
      if (!ts.isVoidExpression(assignedValue(right))) this.#members.set(name, assignedValue(right));
      else if (!this.#members.has(name)) this.#members.set(name, null);
    } else if (ts.isIdentifier(expression)) {
      const added = this.#added.get(expression.text) ?? new Map<string, ts.Expression>();
      this.#added.set(expression.text, added.set(name, assignedValue(right)));
    }
  }

  #call(node: ts.CallExpression, isInner: boolean): void {
    const [target, key] = node.arguments;
    for (const given of node.arguments) if (ts.isIdentifier(given)) this.#handedOn.add(given.text);
    if (target === undefined) return;
    const called = node.expression.getText(this.#file);
    if (
      /(?:^|\.)defineProperty$/.test(called) &&
      this.#isExports(target) &&
      key !== undefined &&
      ts.isStringLiteralLike(key)
    ) {
      this.#members.set(key.text, null);
    } else if (
      /(?:^|\.)__exportStar$/.test(called) ||
      /(?:^|\.)(?:assign|defineProperties)$/.test(called)
    ) {
      if (node.arguments.some((one) => this.#isExports(one))) this.#isOpen = true;
    } else if (isInner && this.#isExports(target)) this.#isOpen = true;
  }

  #value(node: ts.Node, step: number): CommonJsValue {
    if (step > STEPS_MAX) return UNKNOWN_VALUE;
    const expression = ts.isExpression(node) ? assignedValue(node) : node;
    if (isFunction(expression)) return this.#functionValue(expression);
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
      if (this.#isExports(expression.expression))
        return this.#memberValue(expression.name.text, step);
      const of = this.#value(expression.expression, step + 1);
      return { ...UNKNOWN_VALUE, whole: of.members.get(expression.name.text) ?? "unknown" };
    }
    if (ts.isCallExpression(expression)) return this.#callValue(expression, step);
    if (ts.isBinaryExpression(expression)) return this.#eitherValue(expression, step);
    return isPlainData(expression) ? plain("object") : UNKNOWN_VALUE;
  }

  /** `exports.default || exports`: the first, where it is known to be there. */
  #eitherValue({ left, operatorToken, right }: ts.BinaryExpression, step: number): CommonJsValue {
    const { kind } = operatorToken;
    if (kind === ts.SyntaxKind.CommaToken) return this.#value(right, step + 1);
    const isEither =
      kind === ts.SyntaxKind.BarBarToken || kind === ts.SyntaxKind.QuestionQuestionToken;
    const first = isEither ? this.#value(left, step + 1) : UNKNOWN_VALUE;
    return first.whole === "unknown" ? UNKNOWN_VALUE : first;
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
    if (INTEROP.test(called) && first !== undefined)
      return asCompiled(this.#value(first, step + 1));
    // What esbuild makes of an ES module.
    if (called === "__toCommonJS") {
      return { whole: "object", members: new Map([["__esModule", "unknown"]]), isComplete: false };
    }
    const { returned } = this.#value(expression, step + 1);
    return returned?.(step + 1) ?? UNKNOWN_VALUE;
  }

  #functionValue(node: ts.FunctionLikeDeclaration): CommonJsValue {
    return { ...plain("function"), returned: (step) => this.#returnedBy(node, step) };
  }

  /** What a function returns, if all of its returns agree. */
  #returnedBy(node: ts.FunctionLikeDeclaration, step: number): CommonJsValue {
    const { body } = node;
    if (body === undefined || step > STEPS_MAX || isLater(node)) return UNKNOWN_VALUE;
    if (!ts.isBlock(body)) return this.#value(body, step + 1);
    if (!this.#entered.has(node)) {
      this.#entered.add(node);
      this.#declareAll(body);
    }
    const [first, ...others] = returnsIn(body).map((one) => {
      // A name of its own hides what is called the same around it: `(function p() { … })(p)`.
      const own = ts.isIdentifier(one) ? ownDeclaration(body, one.text) : null;
      return own === null || !ts.isIdentifier(one)
        ? this.#value(one, step + 1)
        : this.#namedValue(one.text, own, step);
    });
    if (first === undefined) return UNKNOWN_VALUE;
    return others.every(({ whole }) => whole === first.whole) ? first : UNKNOWN_VALUE;
  }

  #declareAll(node: ts.Node): void {
    ts.forEachChild(node, (child) => {
      const isNamed = ts.isFunctionDeclaration(child) || ts.isVariableDeclaration(child);
      const name = isNamed ? child.name : undefined;
      const isKnown = name !== undefined && ts.isIdentifier(name) && this.#locals.has(name.text);
      if (!isKnown) this.#declare(child);
      if (!ts.isFunctionLike(child)) this.#declareAll(child);
    });
  }

  #localValue(name: string, step: number): CommonJsValue {
    const node = this.#locals.get(name);
    if (node === undefined || this.#changing.has(name)) return UNKNOWN_VALUE;
    return this.#namedValue(name, node, step);
  }

  /** What a name stands for, with the members that are set on it. */
  #namedValue(name: string, node: ts.Node, step: number): CommonJsValue {
    const value = this.#value(node, step + 1);
    const added = [...(this.#added.get(name) ?? [])].map(([key, one]): [string, ExportedKind] => [
      key,
      this.#value(one, step + 1).whole,
    ]);
    return {
      ...value,
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

/** What compilers put around the `require` of what may be an ES module that was compiled. */
const INTEROP = /(?:^|\.)(?:__importDefault|__importStar|_interopRequire\w+|_interop\w*)$/;

function asCompiled(value: CommonJsValue): CommonJsValue {
  if (value.members.has("__esModule")) return value;
  if (!value.isComplete && value.whole === "unknown") return UNKNOWN_VALUE;
  return { whole: "object", members: new Map([["default", value.whole]]), isComplete: false };
}

function newKind({ expression }: ts.NewExpression): ExportedKind {
  // A Proxy, or a Function, can be called.
  return ts.isIdentifier(expression) && ["Proxy", "Function"].includes(expression.text)
    ? "unknown"
    : "object";
}
