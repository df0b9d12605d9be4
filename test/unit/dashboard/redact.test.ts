import { expect, test } from "vitest";
import { COVERED, redactionOf } from "../../../src/dashboard/redact.ts";
import { parseExactly, toJson } from "../../../src/model/json.ts";

const { value, text } = redactionOf(["password", "token"]);

test.for([
  [{ token: "x" }, { token: COVERED }],
  [{ a: [{ apiToken: { deep: 1 } }] }, { a: [{ apiToken: COVERED }] }],
  [{ DB_PASSWORD: null }, { DB_PASSWORD: COVERED }],
  [{ password: 1234 }, { password: COVERED }],
  [{ input_tokens: 812 }, { input_tokens: 812 }],
  [{ tokens: ["x"] }, { tokens: COVERED }],
  [{ note: "password=x y" }, { note: `password=${COVERED} y` }],
  [
    ["a", 1, null, true],
    ["a", 1, null, true],
  ],
])("%j is shown as %j", ([given, shown]) => {
  expect(value(given)).toEqual(shown);
});

test.for([
  ['{"token": "a b"}', `{"token": ${COVERED}}`],
  ["token: Bearer abc, then", `token: ${COVERED}, then`],
  ["my-token=abc", `my-token=${COVERED}`],
  ["a token of thanks", "a token of thanks"],
])("the text %s is shown as %s", ([given = "", shown]) => {
  expect(text(given)).toBe(shown);
});

test("numbers with many digits stay as they were written", () => {
  const given = parseExactly('{"n": 0.12345678901234567890}', { decimals: "kept" });
  expect(toJson(value(given))).toBe('{"n":0.12345678901234567890}');
});

test("a long text of names costs no more than its length", () => {
  expect(text("A-".repeat(100_000) + "a ".repeat(100_000))).toHaveLength(400_000);
});

test("no names cover nothing", () => {
  expect(redactionOf([]).text("password=x")).toBe("password=x");
});
