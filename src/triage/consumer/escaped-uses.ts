// Members of the package's types that are used where the consumer has no types, and that the new
// version has not: the compiler objects to neither. A wall: the two programs in, places out.
import ts from "typescript";
import { declarationKeys } from "../compiler/declarations.ts";
import type { Location } from "../facts/finding.ts";
import type { ConsumerProgram } from "./consumer-program.ts";
import { placeOf, type SymbolUses } from "./symbol-uses.ts";

type Escapes = {
  readonly before: ConsumerProgram;
  readonly after: ConsumerProgram;
  readonly root: string;
};

/** Values that are followed out of types. */
const ESCAPES_MAX = 200;

/**
 * Uses of members that are gone, by declaration, as symbolUses: of values that were cast to `any`
 * on the spot, or were given to a function that says nothing of what it takes, in the file of
 * which the member is used of something untyped.
 */
export function escapedUses({ before, after, root }: Escapes): SymbolUses {
  const uses = new Map<string, Location[]>();
  const note = (lost: ts.Symbol, node: ts.Node): void => {
    for (const key of declarationKeys(lost)) {
      uses.set(key, [...(uses.get(key) ?? []), placeOf(node, root)]);
    }
  };
  const [was, is] = [before.program.getTypeChecker(), after.program.getTypeChecker()];
  /** What the types of an expression lost, by name. */
  const lostOf = (node: ts.Expression): Map<string, ts.Symbol> => {
    const type = was.getTypeAtLocation(node);
    const now = is.getTypeAtLocation(node);
    const isOwn = type.symbol?.declarations?.some((one) => isWritten(one, root)) === true;
    if (isOwn || isUntyped(type) || isUntyped(now)) return new Map();
    const lost = was
      .getPropertiesOfType(type)
      .filter(({ name }) => is.getPropertyOfType(now, name) === undefined);
    return new Map(lost.map((symbol) => [symbol.name, symbol]));
  };
  const escaped = new Map<ts.SourceFile, Map<string, ts.Symbol>>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const inner = castFrom(node.expression);
      const lost = inner === null ? undefined : lostOf(inner).get(node.name.text);
      if (lost !== undefined) note(lost, node.name);
    } else if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      for (const { file, given } of takenUntyped(node, was)) {
        if (escaped.size >= ESCAPES_MAX || !isWritten(file, root)) continue;
        const known = escaped.get(file) ?? new Map<string, ts.Symbol>();
        for (const [name, symbol] of lostOf(given)) known.set(name, symbol);
        if (known.size > 0) escaped.set(file, known);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const file of before.files) if (after.files.includes(file)) visit(file);

  for (const [file, lost] of escaped) {
    const look = (node: ts.Node): void => {
      if (ts.isPropertyAccessExpression(node)) {
        const symbol = lost.get(node.name.text);
        const isOpen = symbol !== undefined && isUntyped(was.getTypeAtLocation(node.expression));
        if (isOpen) note(symbol, node.name);
      }
      ts.forEachChild(node, look);
    };
    look(file);
  }
  return uses;
}

/** The arguments of a call that its declaration takes as `any`, and the file that it is in. */
function takenUntyped(
  node: ts.CallExpression | ts.NewExpression,
  checker: ts.TypeChecker,
): { readonly file: ts.SourceFile; readonly given: ts.Expression }[] {
  const signature = checker.getResolvedSignature(node);
  const file = signature?.declaration?.getSourceFile();
  if (signature === undefined || file === undefined) return [];
  return [...(node.arguments ?? [])].flatMap((given, index) => {
    const parameter = signature.parameters[index];
    const isOpen = parameter !== undefined && isUntyped(checker.getTypeOfSymbol(parameter));
    return isOpen ? [{ file, given }] : [];
  });
}

/** The expression behind `as any`; null for another. */
function castFrom(node: ts.Expression): ts.Expression | null {
  if (ts.isParenthesizedExpression(node)) return castFrom(node.expression);
  const isCast = ts.isAsExpression(node) || ts.isTypeAssertionExpression(node);
  return isCast && node.type.kind === ts.SyntaxKind.AnyKeyword ? node.expression : null;
}

function isUntyped({ flags }: ts.Type): boolean {
  return (flags & ts.TypeFlags.Any) !== 0;
}

function isWritten(node: ts.Node, root: string): boolean {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(`${root}/`) && !fileName.includes("/node_modules/");
}
