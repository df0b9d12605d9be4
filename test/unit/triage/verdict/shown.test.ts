import { expect, test } from "vitest";
import {
  code,
  shellWord,
  shownMessage,
  shownName,
  signatureOf,
  withShownName,
} from "../../../../src/triage/verdict/shown.ts";

test.for([
  ["p-retry", "p-retry"],
  ["acme/api", "acme/api"],
  ["@types/node", "`@types/node`"],
  ["Type<T>", "`Type<T>`"],
  ["a`b", "`a'b`"],
] as const)("the name %s is shown as %s", ([name, shown]) => {
  expect(shownName(name)).toBe(shown);
});

test("a name at the beginning of a text is shown as names are", () => {
  expect(withShownName("@types/node 20 → 22", "@types/node")).toBe("`@types/node` 20 → 22");
  expect(withShownName("acme/api@0a1b", "acme/api")).toBe("acme/api@0a1b");
});

test.for([
  [
    "Property 'name' does not exist on type 'Context<T>'.",
    "Property `name` does not exist on type `Context<T>`.",
  ],
  ["Module '\"@a/b\"' has no exported member 'X'.", 'Module `"@a/b"` has no exported member `X`.'],
  ["It can't be 'a'.", "It can't be `a`."],
  ["'a", "'a"],
  ["Type '`x-${string}`' is not 'y'.", "Type `'x-${string}'` is not `y`."],
] as const)("of %j the quoted parts are code", ([message, shown]) => {
  expect(shownMessage(message)).toBe(shown);
});

test.for([
  ["function f(a: number): void { return g(a); }", "function f(a: number): void"],
  [
    "function f({ a } = {}, b = () => {}) {\n  return a;\n}",
    "function f({ a } = {}, b = () => {})",
  ],
  ["async load(id) { const x = await y(id); return x; }", "async load(id)"],
  ["f = (a: string) => { return a; }", "f = (a: string) => …"],
  ["export class A<T> extends B { constructor() { super(); } }", "export class A<T> extends B"],
  ["function f(a): { b: string } { return a; }", "function f(a): { b: string }"],
  ["type F = (a: string) => { b: number }", "type F = (a: string) => { b: number }"],
  ["interface A { f(): void }", "interface A { f(): void }"],
  ["f(a: { b: string }): Promise<{ c: 1 }>;", "f(a: { b: string }): Promise<{ c: 1 }>;"],
  ["const a: { b(): void } | { c: 1 }", "const a: { b(): void } | { c: 1 }"],
] as const)("the signature of %j has no body", ([text, signature]) => {
  expect(signatureOf(text)).toBe(signature);
});

test("code and words of a shell end where they should", () => {
  expect(code("a\n `b`")).toBe("`a 'b'`");
  expect(["@a/b@1.0.0", "src/a b.ts", "it's"].map(shellWord)).toEqual([
    "@a/b@1.0.0",
    "'src/a b.ts'",
    "'it'\\''s'",
  ]);
});
