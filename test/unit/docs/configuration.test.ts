// Goal: docs/configuration.md says what src/settings/variables.ts says.
// Method: read the tables of the page. A default or the end of a range is put to the schema
// of its variable, in the words of the page.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { SECRETS, SETTINGS, type Settings } from "../../../src/settings/variables.ts";

const PAGE = readFileSync(
  path.join(import.meta.dirname, "..", "..", "..", "docs", "configuration.md"),
  "utf8",
);

type Row = { readonly name: keyof Settings; readonly default: string; readonly range: string };

const ROWS: readonly Row[] = PAGE.split("\n").flatMap((line) => {
  const [, name, given, , range] = line.split("|").map((cell) => cell.trim());
  const known = SETTINGS.keyof().safeParse(name?.replaceAll("`", ""));
  return known.success && given !== undefined && range !== undefined
    ? [{ name: known.data, default: given, range }]
    : [];
});

const UNSET = SETTINGS.parse({});

/** What the variable becomes, or undefined where it is refused. */
function meaning(name: keyof Settings, value: string): unknown {
  const parsed = SETTINGS.safeParse({ [name]: value });
  return parsed.success ? parsed.data[name] : undefined;
}

test("each variable is documented once", () => {
  const known = SETTINGS.keyof().options;

  expect(ROWS.map(({ name }) => name)).toHaveLength(known.length);
  expect(new Set(ROWS.map(({ name }) => name))).toEqual(new Set(known));
});

test.for(ROWS)("$name is $default unless set", (row) => {
  // In code style: the schema's own. Else it is worked out elsewhere, and the schema has none.
  const quoted = /^`(.+)`$/.exec(row.default)?.[1];

  expect(UNSET[row.name]).toEqual(quoted === undefined ? undefined : meaning(row.name, quoted));
});

test.for(ROWS.filter(({ range }) => range.includes(" to ")))("$name is $range", (row) => {
  const [min = "", max = ""] = row.range.split(" to ");

  for (const within of [min, max]) {
    expect(meaning(row.name, within)).toBeDefined();
  }
  for (const beyond of [Number(min) - 1, Number(max) + 1]) {
    expect(meaning(row.name, String(beyond))).toBeUndefined();
  }
});

test.for(ROWS.filter(({ range }) => range.includes(",")))("$name is one of $range", (row) => {
  for (const word of row.range.split(", ")) {
    expect(meaning(row.name, word)).toBeDefined();
  }
  expect(meaning(row.name, "something-else")).toBeUndefined();
});

test("each number and each list of words has its range on the page", () => {
  const unbounded = ROWS.filter(({ range }) => range === "").map(({ name }) => name);

  // Text takes any word.
  for (const name of unbounded) {
    expect(meaning(name, "word")).toBeDefined();
  }
});

test("each secret has its file variant", () => {
  for (const name of SECRETS) {
    expect(PAGE).toContain(`\`${name}_FILE\``);
  }
});
