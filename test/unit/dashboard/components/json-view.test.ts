import { expect, test } from "vitest";
import {
  JSON_ITEMS_MAX,
  JSON_VALUES_MAX,
  jsonView,
} from "../../../../src/dashboard/components/json-view.ts";
import { parseExactly } from "../../../../src/model/json.ts";

const textOf = (value: unknown) =>
  String(jsonView(value))
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();

test("an object is a list of its keys, nested ones to open and close", () => {
  const shown = String(jsonView({ name: "a", inner: { list: [1, true, null] } }));

  expect(shown.match(/<details/g)).toHaveLength(3);
  expect(textOf({ name: "a" })).toBe(`{ 1 key } name: "a"`);
});

test("markup is text in keys and in values", () => {
  const shown = String(jsonView({ "<b>": "<img src=x onerror=alert(1)>" }));

  expect(shown).toContain("&lt;b&gt;");
  expect(shown).not.toMatch(/<b>|<img/);
});

test("a number keeps its digits", () => {
  const value = parseExactly(`{"id": 12345678901234567890, "rate": 0.12345678901234567890}`, {
    decimals: "kept",
  });

  expect(textOf(value)).toContain("12345678901234567890");
  expect(textOf(value)).toContain("0.12345678901234567890");
});

test("a value that lies too deep is one line", () => {
  let deep: unknown = "bottom";
  for (let level = 0; level < 190; level++) deep = [deep];

  expect(textOf(deep)).toContain("nested too deep to draw");
});

test("of a long list the beginning is drawn, and the rest counted", () => {
  expect(textOf(Array.from({ length: JSON_ITEMS_MAX + 5 }, () => 1))).toContain("… 5 more");
});

test("a view has no more values than its limit", () => {
  const wide = Array.from({ length: 190 }, () => Array.from({ length: 190 }, () => 1));

  expect(String(jsonView(wide)).match(/json-plain/g)?.length).toBeLessThanOrEqual(JSON_VALUES_MAX);
});
