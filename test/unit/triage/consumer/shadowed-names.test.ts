import ts from "typescript";
import { expect, test } from "vitest";
import { isShadowed } from "../../../../src/triage/consumer/shadowed-names.ts";

/** Of each `p.a` of a text, whether the `p` is another one than that of the file. */
function shadowedIn(text: string): boolean[] {
  const source = ts.createSourceFile("a.ts", text, ts.ScriptTarget.Latest, true);
  const found: boolean[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      found.push(isShadowed(node.expression));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test.for([
  ["a parameter", "function f(p) { return p.a; }", true],
  ["a parameter that is taken apart", "const f = ({ x: [p] }) => p.a;", true],
  ["a variable of a block", "{ const p = {}; p.a; }", true],
  ["a function of a block", "{ p.a; function p() {} }", true],
  ["the variable of a loop", "for (const p of []) p.a;", true],
  ["what is caught", "try {} catch (p) { p.a; }", true],
  ["the module, at the top", "p.a;", false],
  ["the module in a function that takes others", "function f(q) { return p.a; }", false],
  ["the module beside a block", "{ const p = {}; } p.a;", false],
  ["the module that a function requires", 'function f() { const p = require("p"); p.a; }', false],
] as const)("a name is %s", ([, text, isIt]) => {
  expect(shadowedIn(text)).toEqual([isIt]);
});
