// Goal: the tests of a module are found by its name: `test/unit/worker/settler.test.ts` is about
// `src/worker/settler.ts`, and a second file about it begins with its name, as in
// `wake-up-lanes.test.ts`. A title is a sentence that can be false.

import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");

/** What these folders test is no module: pages, tools of the repository, benches and proofs. */
const OTHERS: readonly string[] = ["bench", "chaos", "corpus", "deploy", "docs", "scripts"];

const FILES = globSync("test/unit/**/*.test.ts", { cwd: ROOT })
  .map((file) => path.relative("test/unit", file))
  .filter((file) => !OTHERS.includes(file.split(path.sep)[0] ?? ""));

test("each unit test is named for a module of its folder, or begins with its name", () => {
  const misnamed = FILES.filter((file) => {
    const { dir, base } = path.parse(file);
    const name = base.slice(0, -".test.ts".length);
    return !modulesIn(dir).some((each) => name === each || name.startsWith(`${each}-`));
  });

  expect(FILES.length).toBeGreaterThan(80);
  expect(misnamed).toEqual([]);
});

/** The modules that the tests of a folder are about; handlers are named for their task types. */
function modulesIn(folder: string): string[] {
  const home = folder === "tasks" ? folder : path.join("src", folder);
  const files = globSync("*.ts", { cwd: path.join(ROOT, home) });
  return files.map((file) => file.slice(0, -".ts".length).replaceAll("_", "-"));
}

test("the tests that CI runs on its second server are there", () => {
  const run = readFileSync(path.join(ROOT, ".ci/run"), "utf8");
  const lines = run.matchAll(/^ {2}test\/(\w+)\/\{(.*)\}\.test\.ts$/gm);
  const listed = [...lines].flatMap(([, folder = "", names = ""]) =>
    names.split(",").map((name) => `test/${folder}/${name}.test.ts`),
  );

  expect(listed.length).toBeGreaterThan(30);
  expect(listed.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
});

test("the tests of processes that run beside others are there", () => {
  const [, list = ""] =
    /^const BESIDE_OTHERS = \(([^)]*)\)/m.exec(
      readFileSync(path.join(ROOT, "vitest.config.ts"), "utf8"),
    ) ?? [];
  const names = list.match(/[a-z][a-z-]+/g) ?? [];

  expect(names.length).toBeGreaterThan(20);
  const isMissing = (name: string) => !existsSync(path.join(ROOT, `test/process/${name}.test.ts`));
  expect(names.filter(isMissing)).toEqual([]);
});

test("each title states what is guaranteed: none begins with a question word", () => {
  const title =
    /(?:\b(?:test|describe)[.\w]*|\))\(\s*["'`](?:what|who|whose|where|when)(?:ever)?\b.*/gi;
  const files = globSync("test/**/*.test.ts", { cwd: ROOT, exclude: ["**/node_modules/**"] });
  const questions = files.flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), "utf8").matchAll(title)].map(
      ([found]) => `${file}: ${found}`,
    ),
  );

  expect(questions).toEqual([]);
});
