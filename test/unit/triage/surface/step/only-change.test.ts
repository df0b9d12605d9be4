import ts from "typescript";
import { expect, test } from "vitest";
import { leadsTo, onlyChanges } from "../../../../../src/triage/surface/step/only-change.ts";

const REST = [
  "const WIDTH = 8;",
  "const pad = (text) => text.padStart(WIDTH);",
  "function fold(hash, text) { return hash + text.length; }",
];

function changesOf(before: string, after: string, rest: readonly string[] = REST): string[] {
  const code = (text: string) => new Map([["index.js", [...rest, text].join("\n")]]);
  return onlyChanges(code(before), code(after)).map(({ name }) => name);
}

test.for<[title: string, before: string, after: string, names: string[]]>([
  ["a constant", "const SIGN = /[a-y]/;", "const SIGN = /[a-z]/;", ["SIGN"]],
  [
    "a function",
    "function sum(a) { return fold(1, a); }",
    "function sum(a) { return a; }",
    ["sum"],
  ],
  ["a member", "exports.sum = (a) => pad(a);", "exports.sum = (a) => fold(a);", ["sum"]],
  ["comments and blanks", "const SIGN = 1;", "// one\nconst SIGN  =  1;", []],
  ["a kind of declaration", "var SIGN = 1;", "const SIGN = 1;", []],
  ["quotes", "const SIGN = 'a';", 'const SIGN = "a";', []],
  [
    "what an error says",
    "function f() { throw Error('a'); }",
    "function f() { throw Error('b'); }",
    [],
  ],
  ["what is required", "const a = require('a');", "const a = require('b');", []],
  ["something new", "", "function more() {}", []],
])("all that differs is %s", ([, before, after, names]) => {
  expect(changesOf(before, after)).toEqual(names);
});

const many = (value: number): string =>
  `const A = ${value}; const B = ${value}; const C = ${value};`;

test("of a package of which much differs, or with no rest that is the same, nothing is the one", () => {
  expect(changesOf(many(1), many(2))).toEqual([]);
  expect(changesOf("const SIGN = 1;", "const SIGN = 2;", [])).toEqual([]);
});

test("a function leads to what it names, over other functions and files", () => {
  const code = new Map([
    ["a.js", "function sum(a) { return fold(a); }\nfunction other() { return 1; }"],
    ["b.js", "function fold(a) { return a + START; }\nconst START = 1;"],
  ]);
  const source = ts.createSourceFile("a.js", code.get("a.js") ?? "", ts.ScriptTarget.Latest, true);
  const [sum, other] = source.statements;
  if (sum === undefined || other === undefined) throw new TypeError("expected two functions");

  expect(leadsTo(sum, "START", code)).toBe(true);
  expect(leadsTo(other, "START", code)).toBe(false);
});
