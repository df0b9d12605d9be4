import ts from "typescript";
import type { Location } from "../facts/finding.ts";
import { scriptOf } from "./component-scripts.ts";
import type { ConsumerFile } from "./consumer-files.ts";

/**
 * Where a file calls a method by this name with nothing, whatever it is a method of: packages put
 * methods on values that others make, as on the request of a server.
 */
export function bareCalls(file: ConsumerFile, method: string): Location[] {
  // A filter before the parser: most files have no such call.
  if (!file.text.includes(method)) return [];
  const { path, text } = scriptOf(file);
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  const found: Location[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.arguments.length === 0) {
      const { expression } = node;
      if (ts.isPropertyAccessExpression(expression) && expression.name.text === method) {
        const { line } = source.getLineAndCharacterOfPosition(expression.name.getStart(source));
        found.push({ path: file.path, line: line + 1 });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
