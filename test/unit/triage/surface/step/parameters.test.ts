import ts from "typescript";
import { expect, test } from "vitest";
import type { PackageCall } from "../../../../../src/triage/facts/package-use.ts";
import { changeForCall, changeForNew } from "../../../../../src/triage/surface/step/parameters.ts";

function functionIn(text: string) {
  const file = ts.createSourceFile("a.js", text, ts.ScriptTarget.Latest, true);
  const [node] = file.statements;
  if (node === undefined || !(ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)))
    throw new TypeError(`expected a function or a class, got ${text}`);
  return node;
}

const calledWith = (count: number | null): PackageCall => ({
  count,
  options: [],
  texts: [],
  kinds: [],
  isNew: false,
});

test.for<[title: string, before: string, after: string, count: number | null, changed: boolean]>([
  ["as before", "function f(a, b) {}", "function f(a, b) {}", 2, false],
  ["by other names", "function f(str, opts) {}", "function f(text, options) {}", 2, false],
  ["one more", "function f(path) {}", "function f(path, options) {}", 1, false],
  ["less than is given", "function f(path, done) {}", "function f(path) {}", 2, true],
  ["less, which is not given", "function f(path, done) {}", "function f(path) {}", 1, false],
  ["any number", "function f(path, done) {}", "function f(...all) {}", 2, false],
  ["what `arguments` has", "function f(a, b) {}", "function f() { arguments; }", 2, false],
  ["nobody knows how many", "function f(a, b) {}", "function f(a) {}", null, false],
  ["in another order", "function f(path, done) {}", "function f(done, path) {}", 2, true],
  [
    "behind others",
    "function F(factory) {}",
    "class F { constructor(queue, factory) {} }",
    1,
    true,
  ],
  ["later", "function f(path) { return 1; }", "async function f(path) { return 1; }", 1, true],
  [
    "later, as before",
    "function f(p) { return new Promise(p); }",
    "async function f(p) {}",
    1,
    false,
  ],
])("a call is taken %s", ([, before, after, count, changed]) => {
  const found = changeForCall(functionIn(before), functionIn(after), calledWith(count));

  expect(found !== null).toBe(changed);
});

test.for<[before: string, after: string, isNew: boolean, changed: boolean]>([
  ["function f() {}", "async function f() {}", true, true],
  ["class F {}", "function* f() {}", true, true],
  ["class F {}", "function f() {}", true, false],
  ["async function f() {}", "async function f() {}", true, false],
  ["function f() {}", "class F {}", false, true],
  ["function f() {}", "function F() { _classCallCheck(this, F); }", false, true],
  ["function f() {}", "class F {}", true, false],
  ["function f() {}", "async function f() {}", false, false],
])("%s became %s, with new: %s", ([before, after, isNew, changed]) => {
  const call = { ...calledWith(0), isNew };

  const found = changeForNew(functionIn(before), functionIn(after), call);

  expect(found !== null).toBe(changed);
});

test("the parameters are told", () => {
  const found = changeForCall(
    functionIn("function f(path, { a }, done) {}"),
    functionIn("async function f(path, { a }) {}"),
    calledWith(3),
  );

  expect(found).toEqual({ before: "(path, { … }, done)", after: "async (path, { … })" });
});

test.for<[before: string, after: string, kind: "text" | "object" | "value", changed: boolean]>([
  ["function f(path) {}", "function f({ cwd }) {}", "text", true],
  ["function f(path) {}", "function f(options) {}", "text", true],
  ["function f(path) {}", "function f({ cwd }) {}", "object", false],
  ["function f(path) {}", "function f({ cwd }) {}", "value", false],
  ["function f(options) {}", "function f({ cwd }) {}", "text", false],
  ["function f(opts) { typeof opts; }", "function f(options) {}", "text", true],
  ["function f(opts) { typeof opts; }", "function f(options) { typeof options; }", "text", false],
  ["function f(opts) { typeof opts.a; }", "function f(options) {}", "text", false],
])("%s that became %s does not take a %s as before: %s", ([before, after, kind, changed]) => {
  const call = { ...calledWith(1), kinds: [kind] };

  expect(changeForCall(functionIn(before), functionIn(after), call) !== null).toBe(changed);
});
