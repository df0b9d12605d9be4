import { expect, test } from "vitest";
import { matchesGlob } from "../../../../src/triage/consumer/glob.ts";

test.for<[pattern: string, matched: string[], others: string[]]>([
  ["src", ["src/a.ts", "src/b/c.ts"], ["a.ts", "srcs/a.ts", "lib/src/a.ts"]],
  ["src/a.ts", ["src/a.ts"], ["src/a.ts/b.ts", "src/b.ts"]],
  ["./src/*", ["src/a.ts"], ["src/b/c.ts", "src/.a.ts"]],
  ["**/*", ["a.ts", "src/b/c.ts"], [".next/a.ts", "src/.cache/a.ts"]],
  ["**/*.spec.ts", ["a.spec.ts", "src/b/c.spec.ts"], ["a.ts", "spec.ts"]],
  ["src/**/test/*.ts", ["src/test/a.ts", "src/b/c/test/d.ts"], ["src/a.ts", "test/a.ts"]],
  ["src/?.ts", ["src/a.ts"], ["src/ab.ts", "src/.ts"]],
  [".storybook/*", [".storybook/main.ts"], ["storybook/main.ts"]],
])("the pattern %s of a tsconfig", ([pattern, matched, others]) => {
  expect(matched.filter((path) => !matchesGlob(pattern, path))).toEqual([]);
  expect(others.filter((path) => matchesGlob(pattern, path))).toEqual([]);
});

test("stars upon stars take no time without end", () => {
  const name = "a".repeat(2_000);

  expect(
    matchesGlob(`${"**/".repeat(200)}${"*a".repeat(200)}b`, `${"x/".repeat(200)}${name}`),
  ).toBe(false);
}, 5_000);
