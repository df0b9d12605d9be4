import { relative } from "node:path";
import ts from "typescript";
import type { Location } from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";

/**
 * The identity of a declaration across programs that read the same file: its kind, and where
 * it ends. Not where it begins: leading trivia moves when the member before it is blanked.
 * The kind, because a file ends where its last declaration does.
 */
export function declarationKey(node: ts.Node): string {
  return `${node.getSourceFile().fileName}#${node.kind}:${node.end}`;
}

/** The key, of an enum or of a member of it, that uses of its number are found by. */
export function numberKey(declaration: ts.Node): string {
  return `${declarationKey(declaration)}=`;
}

export function declarationKeys(symbol: ts.Symbol | undefined): string[] {
  return (symbol?.declarations ?? []).map(declarationKey);
}

/** Where a node stands, relative to `root`. */
export function locationOf(node: ts.Node, root: string): Location {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
  return { path: slashed(relative(root, file.fileName)), line: line + 1 };
}

export function slashed(path: string): string {
  return path.replaceAll("\\", "/");
}

/** A declaration as one line for people: no comments, bounded. */
export function declarationText(node: ts.Node): string {
  return oneLine(withoutComments(node.getText()));
}

/** One pass: a pattern looks for the end again from each beginning. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf("/*", from);
    const end = start === -1 ? -1 : text.indexOf("*/", start + 2);
    if (end === -1) return `${kept.join("")}${text.slice(from)}`;
    kept.push(text.slice(from, start), " ");
    from = end + 2;
  }
}

export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").replace(/;$/, "").trim();
  return line.length > LIMITS.textMax ? `${line.slice(0, LIMITS.textMax - 1)}…` : line;
}

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

/** The symbol behind an import or re-export; the symbol itself if it is none. */
export function resolveAlias(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}
