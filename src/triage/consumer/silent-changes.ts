// What changed in what the consumer does with the package, and no compiler objects to. A wall: the
// two programs in, findings and places out.
import ts from "typescript";
import {
  declarationKeys,
  declarationText,
  locationOf,
  resolveAlias,
} from "../compiler/declarations.ts";
import {
  type Finding,
  type Found,
  finding,
  type Location,
  sortedLocations,
} from "../facts/finding.ts";
import type { ConsumerProgram } from "./consumer-program.ts";
import { placeOf, type SymbolUses } from "./symbol-uses.ts";

type SilentSettings = {
  readonly before: ConsumerProgram;
  readonly after: ConsumerProgram;
  readonly root: string;
  /** The folder of the old version. */
  readonly directory: string;
};

type SilentChanges = {
  /** What no comparison of the two surfaces tells, at the places where it is met. */
  readonly found: readonly Found[];
  /** Where a class has a member of its own in place of one that is gone, by its declaration. */
  readonly overrides: SymbolUses;
};

/** Those of several programs, each told once with all of its places. */
export function mergedSilent(parts: readonly Found[]): Found[] {
  return [...Map.groupBy(parts, ({ finding: { id } }) => id).values()].flatMap((alike) => {
    const [first] = alike;
    const places = alike.flatMap(({ match }) => (match.by === "places" ? match.places : []));
    return first === undefined
      ? []
      : [{ ...first, match: { by: "places", places: sortedLocations(places) } }];
  });
}

/**
 * Members of the consumer's subclasses that stood in for one of the package's class, which is
 * gone: nothing calls them any more. And calls of which nobody takes the result, which was there
 * at once and is a promise now: what comes behind them no longer comes after them.
 */
export function silentChanges({ before, after, root, directory }: SilentSettings): SilentChanges {
  const reader = new SilentReader({ before, after, root, directory });
  for (const file of before.files) if (after.files.includes(file)) reader.visit(file);
  return { found: reader.found(), overrides: reader.overrides };
}

class SilentReader {
  readonly overrides = new Map<string, Location[]>();
  readonly #settings: SilentSettings;
  readonly #was: ts.TypeChecker;
  readonly #is: ts.TypeChecker;
  readonly #found = new Map<string, { readonly finding: Finding; readonly places: Location[] }>();

  constructor(settings: SilentSettings) {
    this.#settings = settings;
    this.#was = settings.before.program.getTypeChecker();
    this.#is = settings.after.program.getTypeChecker();
  }

  visit(node: ts.Node): void {
    if (ts.isClassLike(node)) this.#subclass(node);
    else if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression))
      this.#dropped(node.expression);
    ts.forEachChild(node, (child) => this.visit(child));
  }

  found(): Found[] {
    return [...this.#found.values()].map(({ finding: told, places }) => ({
      finding: told,
      match: { by: "places", places },
    }));
  }

  #subclass({ heritageClauses, members }: ts.ClassLikeDeclaration): void {
    const extended = heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
    const [base] = extended?.types ?? [];
    if (base === undefined) return;
    const [then, now] = [this.#was.getTypeAtLocation(base), this.#is.getTypeAtLocation(base)];
    if (isUntyped(then) || isUntyped(now)) return;
    for (const { name } of members) {
      if (name === undefined || !ts.isIdentifier(name)) continue;
      const lost = this.#was.getPropertyOfType(then, name.text);
      if (lost?.declarations?.some((one) => this.#isOfPackage(one)) !== true) continue;
      if (this.#is.getPropertyOfType(now, name.text) === undefined) this.#override(lost, name);
    }
  }

  #override(lost: ts.Symbol, name: ts.Identifier): void {
    const place = placeOf(name, this.#settings.root);
    for (const key of declarationKeys(lost)) {
      this.overrides.set(key, [...(this.overrides.get(key) ?? []), place]);
    }
    const [declaration] = lost.declarations ?? [];
    // Members that everybody sees are compared with the surfaces.
    if (declaration === undefined || !isProtected(declaration)) return;
    const told = { rule: "ts.member_removed", before: declarationText(declaration) };
    this.#note({ ...told, after: null }, { declaration, name: name.text, place });
  }

  #dropped(call: ts.CallExpression): void {
    const callee = call.expression;
    const name = ts.isPropertyAccessExpression(callee) ? callee.name : callee;
    const declaration = declarationAt(this.#was, name);
    if (declaration === undefined || !this.#isOfPackage(declaration)) return;
    const [then, now] = [this.#was.getTypeAtLocation(call), this.#is.getTypeAtLocation(call)];
    const isKnown = ((then.flags | now.flags) & (ts.TypeFlags.Any | ts.TypeFlags.Never)) === 0;
    if (!isKnown || isThenable(this.#was, then) || !isThenable(this.#is, now)) return;
    const next = declarationAt(this.#is, name);
    const told = {
      rule: "ts.signature",
      before: declarationText(declaration),
      after: next === undefined ? null : declarationText(next),
    };
    const place = placeOf(name, this.#settings.root);
    this.#note(told, { declaration, name: nameOf(declaration) ?? name.getText(), place });
  }

  #note(
    told: Pick<Finding, "rule" | "before" | "after">,
    at: { readonly declaration: ts.Declaration; readonly name: string; readonly place: Location },
  ): void {
    const owner = ownerOf(at.declaration);
    const subject = owner === null ? at.name : `${owner}.${at.name}`;
    const provider = locationOf(at.declaration, this.#settings.directory);
    const made = finding({ ...told, subject, breaking: "maybe", provider });
    const known = this.#found.get(made.id);
    if (known === undefined) this.#found.set(made.id, { finding: made, places: [at.place] });
    else known.places.push(at.place);
  }

  #isOfPackage(node: ts.Node): boolean {
    return node.getSourceFile().fileName.startsWith(`${this.#settings.directory}/`);
  }
}

function declarationAt(checker: ts.TypeChecker, name: ts.Node): ts.Declaration | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  return symbol === undefined ? undefined : resolveAlias(checker, symbol).declarations?.[0];
}

function ownerOf({ parent }: ts.Declaration): string | null {
  const isType = ts.isClassLike(parent) || ts.isInterfaceDeclaration(parent);
  return isType && parent.name !== undefined ? parent.name.text : null;
}

function nameOf(declaration: ts.Declaration): string | null {
  const name = ts.getNameOfDeclaration(declaration);
  return name !== undefined && ts.isIdentifier(name) ? name.text : null;
}

function isProtected(node: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Protected) !== 0;
}

function isThenable(checker: ts.TypeChecker, type: ts.Type): boolean {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((part) => checker.getPropertyOfType(part, "then") !== undefined);
}

function isUntyped({ flags }: ts.Type): boolean {
  return (flags & ts.TypeFlags.Any) !== 0;
}
