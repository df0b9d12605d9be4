import ts from "typescript";
import { declarationKeys } from "../compiler/declaration.ts";

/** What the old version's declarations declare, by the names that it exports. */
export type Declared = {
  /** Whether both versions have declarations behind a subpath, so that members can be found. */
  isTyped(subpath: string): boolean;
  /**
   * Keys of the declarations of an exported name and of all members that it declares, or of one
   * member; none if there is no such thing.
   */
  keys(subpath: string, name: string, member: string | null): readonly string[];
};

/** By subpath, the exported symbols of the old version. */
export function declaredIn(
  surfaces: ReadonlyMap<string, ReadonlyMap<string, ts.Symbol>>,
): Declared {
  return {
    isTyped: (subpath) => surfaces.has(subpath),
    keys: (subpath, name, member) => {
      const symbol = surfaces.get(subpath)?.get(name);
      if (symbol === undefined) return [];
      const members = [...(symbol.members?.values() ?? [])].filter(isMember);
      if (member !== null) {
        const named = [...members, ...(symbol.exports?.values() ?? [])];
        return named.filter((one) => one.name === member).flatMap(declarationKeys);
      }
      return [symbol, ...members].flatMap(declarationKeys);
    },
  };
}

/** Not a type parameter, and not a constructor, which has no uses of its own. */
function isMember({ flags }: ts.Symbol): boolean {
  return (flags & ts.SymbolFlags.ClassMember) !== 0;
}
