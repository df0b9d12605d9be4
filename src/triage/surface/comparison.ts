import type ts from "typescript";
import { declarationText, locationOf } from "../compiler/declaration.ts";
import type { Found, Location } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import { isWithin } from "./surface-program.ts";
import type { Directions } from "./type-references.ts";

/** One program that holds both versions, and what the comparing functions ask of it. */
export type Comparison = {
  readonly pair: PackagePair;
  readonly subpath: string;
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** The exported symbol's type as a consumer can write it, generics instantiated. */
  declaredType(side: "from" | "to", name: string, symbol: ts.Symbol): ts.Type;
  directionsOf(symbol: ts.Symbol): Directions;
  /** Whether both are written alike; see unchanged.ts. */
  readonly isUnchanged: (before: readonly ts.Node[], after: readonly ts.Node[]) => boolean;
};

/** A difference, and the declarations that it was found between. */
export type Candidate = {
  readonly found: Found;
  readonly before: readonly ts.Declaration[];
  readonly after: readonly ts.Declaration[];
};

/** Whether the new type can stand where consumers use the old one, in all given directions. */
export function fits(
  { checker }: Comparison,
  types: { before: readonly ts.Type[]; after: readonly ts.Type[] },
  directions: Directions,
): boolean {
  const { before, after } = types;
  const out = !directions.has("output") || everyFitsSome(checker, after, before);
  const into = !directions.has("input") || everyFitsSome(checker, before, after);
  return out && into;
}

function everyFitsSome(
  checker: ts.TypeChecker,
  sources: readonly ts.Type[],
  targets: readonly ts.Type[],
): boolean {
  return sources.every((source) =>
    targets.some((target) => checker.isTypeAssignableTo(source, target)),
  );
}

/** The first declaration that lies in the given version, as a place. */
export function placeIn(
  comparison: Pick<Comparison, "pair">,
  side: "from" | "to",
  declarations: readonly ts.Node[],
): Location | null {
  const tree = comparison.pair[side];
  const own = declarations.find((node) => isWithin(node.getSourceFile().fileName, tree));
  return own === undefined ? null : locationOf(own, tree.directory);
}

export function textOf(declarations: readonly ts.Declaration[]): string | null {
  const first = declarations[0];
  return first === undefined ? null : declarationText(first);
}

/** An export's subject: its name, and its subpath unless that is the package itself. */
export function subjectOf({ subpath }: Pick<Comparison, "subpath">, name: string): string {
  return subpath === "." ? name : `${name} (${subpath})`;
}
