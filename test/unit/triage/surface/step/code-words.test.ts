import { expect, test } from "vitest";
import { codeWords } from "../../../../../src/triage/surface/step/code-words.ts";

test.for([
  ["exports.x = 1;", true],
  ["module.exports = { x };", true],
  ["module.exports = { x() {} };", true],
  ["proto['x'] = 1;", true],
  ["Object.defineProperty(exports, 'x', {});", true],
  ["['x', 'y'].forEach((name) => { out[name] = 1; });", true],
  ["class A { x() {} }", true],
  ["export function x() {}", true],
  ["export const x = 1;", true],
  ["export { y as x };", true],
  ["function x() {}", false],
  ["const x = 1;", false],
  ["a.x();", false],
  ["const { x } = a;", false],
] as const)("%s gives a member its name: %s", ([code, isMember]) => {
  const { members, named } = codeWords([code]);

  expect(members.has("x")).toBe(isMember);
  expect(named.has("x")).toBe(true);
});

test("the words of code where it fails or warns are one text a place", () => {
  const { messages } = codeWords([
    "throw new Error('`f` is gone. ' + `Use ${g} instead`);",
    "console.warn('slow');",
    "log('quiet');",
  ]);

  expect([...messages]).toContain("`f` is gone.  Use   instead");
  expect([...messages]).toContain("slow");
  expect([...messages].join()).not.toContain("quiet");
});

test("an error that is thrown is told from one that is only warned of", () => {
  const { messages, thrown } = codeWords(["throw new Error('gone');", "console.warn('slow');"]);

  expect([...messages].toSorted()).toEqual(["gone", "slow"]);
  expect([...thrown]).toEqual(["gone"]);
});

test("parameters that are true unless something is given are told with their functions", () => {
  const { switches } = codeWords([
    "function load(text, isWhole = true) {}",
    "class A { read(quiet = false, strict = true) {} }",
    "run((fast = true) => fast);",
  ]);

  expect(switches).toEqual([
    { name: "isWhole", of: "load", index: 1 },
    { name: "strict", of: "read", index: 1 },
  ]);
});
