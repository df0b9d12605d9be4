import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base, expect } from "vitest";
import { importLine, symbolsAt } from "../../corpus/truth-places.ts";

const test = base.extend<{ write: (name: string, text: string) => Promise<string> }>({
  write: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), "triaged-places-"));
    await use(async (name, text) => {
      const file = path.join(folder, name);
      await writeFile(file, text);
      return file;
    });
    await rm(folder, { recursive: true });
  },
});

test("a word is named before what is called around it", async ({ write }) => {
  const file = await write(
    "a.ts",
    "const x = 1;\nretry(job, { onFailed: (e) => log(e.message) });\n",
  );

  expect(symbolsAt(file, { line: 2, column: 37 })).toEqual([
    "message",
    "e",
    "log",
    "onFailed",
    "retry",
  ]);
});

test("an import is found by what it names and by where it is from", async ({ write }) => {
  const file = await write("a.ts", 'import type { Failed as F } from "p-retry";\n');

  expect(symbolsAt(file, { line: 1, column: 15 })).toEqual(["Failed", "F", "p-retry"]);
});

test("a method is found by its object as well", async ({ write }) => {
  const file = await write("a.js", 'const y = yaml.safeLoad("a: 1");\n');

  expect(symbolsAt(file, { line: 1, column: 16 })).toEqual(["safeLoad", "yaml"]);
});

test.for([
  ['import a from "chalk";', 1],
  ['\nconst a = require("chalk/x");', 2],
  ["import a from 'chalk';", 1],
  ['import a from "chalk-template";', null],
  ['import a from "./chalk";', null],
  ['{ "dependencies": {\n  "chalk": "^4.1.2" } }', null],
] as const)("the line that imports chalk: %s", async ([text, line], { write }) => {
  const file = await write(text.startsWith("{") ? "package.json" : "a.js", text);

  expect(importLine(file, "chalk")).toBe(line);
});
