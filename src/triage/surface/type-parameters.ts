import ts from "typescript";

/** How many type arguments a generic type takes. */
export type Arity = { readonly required: number; readonly total: number };

export function arityOf(symbol: ts.Symbol): Arity {
  const parameters = (symbol.declarations ?? []).flatMap((node) =>
    ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isClassLike(node)
      ? [[...(node.typeParameters ?? [])]]
      : [],
  )[0];
  if (parameters === undefined) return { required: 0, total: 0 };
  const required = parameters.filter((parameter) => parameter.default === undefined).length;
  return { required, total: parameters.length };
}

/** What a class says about how it is constructed: its constructors and type parameters. */
export function classHead(symbol: ts.Symbol): ts.Node[] {
  return (symbol.declarations ?? [])
    .filter(ts.isClassLike)
    .flatMap((node) => [
      ...node.members.filter(ts.isConstructorDeclaration),
      ...(node.typeParameters ?? []),
    ]);
}

/** Whether a reference that was written for the old arity is an error under the new one. */
export function narrowsArity(before: Arity, after: Arity): boolean {
  return after.required > before.required || after.total < before.total;
}

/**
 * Source text that instantiates generic types with `any`. Two declared generic types
 * cannot be compared as they are: their type parameters are strangers to each other.
 * The alias at index n has the name `t<n>`.
 */
export function instantiationText(
  types: readonly { readonly specifier: string; readonly name: string; readonly arity: Arity }[],
): string {
  return types
    .map(({ specifier, name, arity }, index) => {
      const args = Array.from({ length: arity.total }, () => "any").join(", ");
      return `export type t${index} = import(${JSON.stringify(specifier)}).${name}<${args}>;\n`;
    })
    .join("");
}
