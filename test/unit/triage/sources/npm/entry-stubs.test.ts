import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { addEntryStubs } from "../../../../../src/triage/sources/npm/entry-stubs.ts";
import { type Files, test, writeTree } from "../../../../support/packages.ts";
import { textIn } from "../../../../support/repository.ts";

type Case = readonly [
  what: string,
  manifest: Readonly<Record<string, unknown>>,
  source: string,
  standIn: string,
  text: string,
];

test.for<Case>([
  [
    "the build of src",
    { exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } } },
    "src/index.ts",
    "dist/index.d.ts",
    'export * from "../src/index.js";\n',
  ],
  [
    "one of several builds",
    { exports: { "./a": { import: "./dist/esm/a.mjs", require: "./dist/cjs/a.cjs" } } },
    "src/a.ts",
    "dist/cjs/a.d.cts",
    'export * from "../../src/a.js";\n',
  ],
  [
    "a build that keeps the folders",
    { main: "build/src/index.js" },
    "src/index.ts",
    "build/src/index.d.ts",
    'export * from "../../src/index.js";\n',
  ],
  [
    "a build beside its source",
    { main: "./lib/index" },
    "lib/index.ts",
    "lib/index.d.ts",
    'export * from "./index.js";\n',
  ],
  ["the default entry", {}, "src/index.ts", "index.d.ts", 'export * from "./src/index.js";\n'],
])("%s is stood in for", async ([, manifest, source, standIn, text], { folder }) => {
  await writeTree(folder, { name: "p" }, { "package.json": manifest, [source]: "export {};\n" });

  expect(await addEntryStubs(folder)).toEqual([]);

  expect(await textIn(folder, standIn)).toBe(text);
});

test("a default export is one of the stand-in too", async ({ folder }) => {
  const source = "export default function connect() {}\n";
  await writeTree(folder, { name: "p", main: "dist/index.js" }, { "src/index.ts": source });

  await addEntryStubs(folder);

  expect(await textIn(folder, "dist/index.d.ts")).toBe(
    'export * from "../src/index.js";\nexport { default } from "../src/index.js";\n',
  );
  expect(await textIn(folder, "dist/index.js")).toBe("");
});

test("committed files stay as they are", async ({ folder }) => {
  const files: Files = { "dist/index.js": "1;\n", "src/index.ts": "2;\n", "util/index.js": "3;\n" };
  const exports = { ".": "./dist/index.js", "./util": "./util" };
  await writeTree(folder, { name: "p", exports }, files);

  expect(await addEntryStubs(folder)).toEqual([]);

  for (const [path, text] of Object.entries(files)) {
    expect(await readFile(join(folder, path), "utf8")).toBe(text);
  }
  expect(await textIn(folder, "dist/index.d.ts")).toBeNull();
});

test("an entry without a source is told, and none is written outside", async ({ folder }) => {
  const exports = {
    ".": "./dist/index.js",
    "./out": "../escaped.js",
    "./all/*": "./dist/*.js",
    "./style": "./dist/style.css",
  };
  await writeTree(join(folder, "p"), { name: "p", exports }, { "src/other.ts": "" });
  await writeTree(folder, { name: "around" }, { "src/escaped.ts": "" });

  expect(await addEntryStubs(join(folder, "p"))).toEqual(["dist/index.js"]);

  expect(await textIn(folder, "escaped.d.ts")).toBeNull();
});

test("a package.json that does not parse has no entries", async ({ folder }) => {
  await writeTree(folder, {}, { "package.json": "{ not json" });

  expect(await addEntryStubs(folder)).toEqual([]);
});
