import ts from "typescript";
import { assigned, type Binding, requiredBy } from "./common-js.ts";
import type { ModuleFiles } from "./module-files.ts";

/** A class or a function with the code that says what its defaults are. */
export type ExportedValue = ts.ClassLikeDeclaration | PlainFunction;
type PlainFunction = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction;

/** What an expression comes to, as far as it can be told without running it. */
type Target = ExportedValue | ts.ObjectLiteralExpression | { readonly module: string };

/** Steps from a name to what it stands for; more are a circle. */
const STEPS_MAX = 20;

/**
 * The classes and functions that a module exports, by name, over all files that lead to them;
 * "default" is what `module.exports` is as a whole.
 */
export function exportedValues(files: ModuleFiles, entry: string): Map<string, ExportedValue> {
  const resolver = new Resolver(files);
  const things = new Map<string, ExportedValue>();
  for (const name of resolver.namesOf(entry, 0)) {
    const thing = resolver.thing(resolver.member({ module: entry }, name, 0));
    if (thing !== null) things.set(name, thing);
  }
  return things;
}

/** The class that another one extends, if it is one of the package's own. */
export function baseOf(files: ModuleFiles, node: ts.ClassLikeDeclaration): ExportedValue | null {
  const clause = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
  const base = clause?.types[0]?.expression;
  if (base === undefined) return null;
  const resolver = new Resolver(files);
  return resolver.thing(resolver.expression(base, 0));
}

class Resolver {
  readonly #files: ModuleFiles;
  /** By file and name. */
  readonly #stars = new Map<string, Target | null>();

  constructor(files: ModuleFiles) {
    this.#files = files;
  }

  namesOf(path: string, step: number): Set<string> {
    const scope = this.#files.scope(path);
    if (scope === null || step > STEPS_MAX) return new Set();
    const whole = scope.whole === null ? null : this.#binding(scope.whole, path, step + 1);
    const names = [
      ...scope.exports.keys(),
      ...(whole === null ? [] : ["default"]),
      ...(whole !== null && isObject(whole) ? keysOf(whole) : []),
    ];
    const starred = scope.stars.flatMap((specifier) => {
      const next = this.#files.resolve(path, specifier);
      return next === null ? [] : [...this.namesOf(next, step + 1)];
    });
    return new Set([...names, ...starred.filter((name) => name !== "default")]);
  }

  /** The class or function that a target is. */
  thing(target: Target | null, step = 0): ExportedValue | null {
    if (target === null || step > STEPS_MAX) return null;
    if ("module" in target) return this.thing(this.#whole(target.module, step), step + 1);
    return isObject(target) ? null : target;
  }

  member(of: Target, name: string, step: number): Target | null {
    if (step > STEPS_MAX) return null;
    if ("module" in of) return this.#exported(of.module, name, step);
    return isObject(of) ? this.#property(of, name, step) : null;
  }

  expression(written: ts.Node, step: number): Target | null {
    if (step > STEPS_MAX) return null;
    const node = ts.isExpression(written) ? assigned(written) : written;
    if (isExportedValue(node) || isObject(node)) return node;
    const path = node.getSourceFile().fileName;
    if (ts.isIdentifier(node)) return this.#binding({ by: "local", name: node.text }, path, step);
    if (ts.isNewExpression(node)) return this.expression(node.expression, step + 1);
    if (ts.isPropertyAccessExpression(node)) {
      const of = this.expression(node.expression, step + 1);
      return of === null ? null : this.member(of, node.name.text, step + 1);
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.CommaToken) {
      return this.expression(node.right, step + 1);
    }
    return ts.isCallExpression(node) ? this.#call(node, path, step) : null;
  }

  /** `require("…")`, alone or in what compilers put around it. */
  #call(node: ts.CallExpression, path: string, step: number): Target | null {
    const specifier = requiredBy(node);
    if (specifier !== null) return this.#module(path, specifier);
    const isInterop = /__import(?:Default|Star)$/.test(node.expression.getText());
    const [given] = node.arguments;
    return isInterop && given !== undefined ? this.expression(given, step + 1) : null;
  }

  #module(from: string, specifier: string): Target | null {
    const module = this.#files.resolve(from, specifier);
    return module === null ? null : { module };
  }

  #exported(path: string, name: string, step: number): Target | null {
    const scope = this.#files.scope(path);
    if (scope === null) return null;
    const own = scope.exports.get(name);
    if (own !== undefined) return this.#binding(own, path, step + 1);
    // To an ES module, all that a CommonJS module exports is its default.
    if (name === "default") return { module: path };
    const whole = this.#whole(path, step + 1);
    const part = whole === null ? null : this.member(whole, name, step + 1);
    if (part !== null) return part;
    return this.#starred(path, name, step);
  }

  /** What modules that are exported as a whole give; each name of a file is asked for once. */
  #starred(path: string, name: string, step: number): Target | null {
    const key = `${path}\0${name}`;
    const known = this.#stars.get(key);
    if (known !== undefined) return known;
    // A circle of files ends here.
    this.#stars.set(key, null);
    const { stars = [], isModule = false } = this.#files.scope(path) ?? {};
    let given: Target | null = null;
    for (const specifier of stars) {
      const next = this.#module(path, specifier);
      const found = next === null ? null : this.member(next, name, step + 1);
      if (found === null || (given !== null && isSame(found, given))) continue;
      if (given !== null) {
        given = null; // ambiguous: an import of it is a SyntaxError
        break;
      }
      given = found;
      // The first wins in what compilers write for CommonJS.
      if (!isModule) break;
    }
    this.#stars.set(key, given);
    return given;
  }

  #whole(path: string, step: number): Target | null {
    const whole = this.#files.scope(path)?.whole ?? null;
    return whole === null ? null : this.#binding(whole, path, step + 1);
  }

  #property(node: ts.ObjectLiteralExpression, name: string, step: number): Target | null {
    for (const property of node.properties) {
      if (property.name === undefined || keyOf(property.name) !== name) continue;
      if (ts.isPropertyAssignment(property)) return this.expression(property.initializer, step + 1);
      if (ts.isShorthandPropertyAssignment(property)) {
        return this.expression(property.name, step + 1);
      }
    }
    return null;
  }

  #binding(binding: Binding, path: string, step: number): Target | null {
    if (step > STEPS_MAX) return null;
    switch (binding.by) {
      case "node":
        return this.expression(binding.node, step + 1);
      case "local": {
        const local = this.#files.scope(path)?.locals.get(binding.name);
        return local === undefined ? null : this.#binding(local, path, step + 1);
      }
      case "member": {
        const of = this.expression(binding.of, step + 1);
        return of === null ? null : this.member(of, binding.name, step + 1);
      }
      case "import":
      default: {
        const module = this.#module(path, binding.specifier);
        if (module === null || binding.name === "*") return module;
        return this.member(module, binding.name, step + 1);
      }
    }
  }
}

function isExportedValue(node: ts.Node): node is ExportedValue {
  return (
    ts.isClassLike(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node)
  );
}

function isSame(one: Target, other: Target): boolean {
  return "module" in one ? "module" in other && one.module === other.module : one === other;
}

function isObject(target: ts.Node | { module: string }): target is ts.ObjectLiteralExpression {
  return !("module" in target) && ts.isObjectLiteralExpression(target);
}

function keysOf({ properties }: ts.ObjectLiteralExpression): string[] {
  return properties.flatMap(({ name }) => (name === undefined ? [] : [keyOf(name)]));
}

function keyOf(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : name.getText();
}
