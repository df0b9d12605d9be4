import ts from "typescript";
import { literalOf } from "./literal.ts";

type Given = { readonly literal: string; readonly node: ts.Node };

/**
 * What a function takes where nothing is given, by `(name)` for a parameter and `({ name })`
 * for an option that is destructured from one, in its head or at the top of its body.
 */
export function parameterDefaults(node: ts.FunctionLikeDeclaration): Map<string, Given> {
  const found = new Map<string, Given>();
  const names = new Set<string>();
  for (const { name, initializer } of node.parameters) {
    if (!ts.isIdentifier(name)) {
      addOptions(found, name);
      continue;
    }
    names.add(name.text);
    const literal = literalOf(initializer);
    if (literal !== null) found.set(`(${name.text})`, { literal, node: name });
  }
  const statements = node.body !== undefined && ts.isBlock(node.body) ? node.body.statements : [];
  for (const statement of statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      const from =
        initializer !== undefined && ts.isIdentifier(initializer) ? initializer.text : "";
      if (names.has(from) && !ts.isIdentifier(name)) addOptions(found, name);
    }
  }
  return found;
}

/** The options of a pattern, those of patterns inside it as well. */
function addOptions(found: Map<string, Given>, pattern: ts.BindingPattern): void {
  if (!ts.isObjectBindingPattern(pattern)) return;
  for (const { name, propertyName, initializer } of pattern.elements) {
    const key = propertyName ?? name;
    if (!ts.isIdentifier(name)) addOptions(found, name);
    const literal = literalOf(initializer);
    if (literal !== null && ts.isIdentifier(key)) {
      found.set(`({ ${key.text} })`, { literal, node: key });
    }
  }
}
