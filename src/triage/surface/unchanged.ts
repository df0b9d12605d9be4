import ts from "typescript";
import { resolveAlias } from "../compiler/resolve-alias.ts";
import { referredName } from "./type-references.ts";

export type UnchangedSettings = {
  readonly checker: ts.TypeChecker;
  /** Whether two symbols are one export in both versions, which is compared on its own. */
  isSameExport(before: ts.Symbol, after: ts.Symbol): boolean;
};

type Nodes = readonly ts.Node[];

/**
 * Whether declarations are written alike, and all that they refer to as well, up to exports.
 * Names of parameters and comments do not count: a renamed parameter is no change.
 *
 * Asked before the checker is: what follows from a changed export is not reported a second
 * time, and large recursive types (zod's) do not take the checker minutes and gigabytes to
 * hold against their own copy.
 */
export function unchanged(settings: UnchangedSettings, before: Nodes, after: Nodes): boolean {
  return before.length > 0 && new Walk(settings).sameAll(before, after);
}

class Walk {
  readonly #settings: UnchangedSettings;
  /** Symbols met; one that is met again inside itself is the same unless a difference shows. */
  readonly #met = new Set<ts.Symbol>();

  constructor(settings: UnchangedSettings) {
    this.#settings = settings;
  }

  sameAll(before: Nodes, after: Nodes): boolean {
    return (
      before.length === after.length &&
      before.every((node, index) => {
        const other = after[index];
        return other !== undefined && this.#same(node, other);
      })
    );
  }

  #same(before: ts.Node, after: ts.Node): boolean {
    if (before === after || ts.isSourceFile(before)) return true;
    if (before.kind !== after.kind) return false;
    if (ts.isIdentifier(before) || ts.isLiteralExpression(before)) {
      return before.getText() === after.getText();
    }
    return this.sameAll(partsOf(before), partsOf(after)) && this.#sameTarget(before, after);
  }

  #sameTarget(before: ts.Node, after: ts.Node): boolean {
    const old = this.#targetOf(before);
    const next = this.#targetOf(after);
    if (old === undefined || next === undefined || old === next) return old === next;
    if (this.#met.has(old) || this.#settings.isSameExport(old, next)) return true;
    this.#met.add(old);
    return this.sameAll(old.declarations ?? [], next.declarations ?? []);
  }

  #targetOf(node: ts.Node): ts.Symbol | undefined {
    const name = referredName(node);
    const symbol = name === null ? undefined : this.#settings.checker.getSymbolAtLocation(name);
    return symbol === undefined ? undefined : resolveAlias(this.#settings.checker, symbol);
  }
}

/** The children that make up what a declaration says. */
export function partsOf(node: ts.Node): ts.Node[] {
  const parts: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    const nameOfParameter = ts.isParameter(node) && child === node.name;
    if (!nameOfParameter) parts.push(child);
  });
  return parts;
}
