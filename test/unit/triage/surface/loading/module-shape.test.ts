import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { readPackageTree } from "../../../../../src/triage/sources/npm/manifest.ts";
import type { LoadedFile } from "../../../../../src/triage/sources/npm/node-loading.ts";
import { ModuleShapes } from "../../../../../src/triage/surface/loading/module-shape.ts";
import { type Files, test, writeTree } from "../../../../support/packages.ts";

/** Whether Node gives `a` to who imports it by name of a file. */
async function isGivenByNode(folder: string, { path }: LoadedFile): Promise<boolean> {
  const file = join(folder, "main.mjs");
  await writeFile(file, `import { a } from ${JSON.stringify(path)};\na.toFixed();\n`);
  return spawnSync(process.execPath, [file]).status === 0;
}

const BOTH = 'export * from "./a.js";\nexport * from "./b.js";\n';
const ONE_A = "export const a = 1;\n";

test.for<[title: string, index: string, files: Files, isThere: boolean]>([
  ["of two modules that each have their own", BOTH, { "b.js": ONE_A }, false],
  [
    "of two modules that have it from each other",
    BOTH,
    { "b.js": 'export * from "./a.js";' },
    true,
  ],
  ["that a module hands on by name", BOTH, { "b.js": 'export { a } from "./a.js";' }, true],
  [
    "that a module imports and hands on",
    BOTH,
    { "b.js": 'import x, { a as b } from "./a.js";\nexport { b as a };\nexport { x };' },
    true,
  ],
  [
    "that a module hands on under another name",
    BOTH,
    { "b.js": 'export { a as b } from "./a.js";\nconst a = 2;\nexport { a };' },
    false,
  ],
  [
    "that a module imports beside a comment",
    BOTH,
    { "b.js": 'import { /* of a */ a } from "./a.js";\nexport { a };' },
    true,
  ],
  ["that the module has itself", `${BOTH}export const a = 3;\n`, { "b.js": ONE_A }, true],
  [
    "that the module takes from one of the two",
    `${BOTH}export { a } from "./b.js";\n`,
    { "b.js": ONE_A },
    true,
  ],
  ["that is the default of one", BOTH, { "b.js": "const a = 1;\nexport default a;" }, true],
  [
    "of an ES module and of CommonJS",
    'export * from "./a.js";\nexport * from "./b.cjs";\n',
    { "b.cjs": "exports.a = 1;\n" },
    false,
  ],
  ["that is ambiguous below", 'export * from "./c.js";\n', { "b.js": ONE_A, "c.js": BOTH }, false],
])("a name %s, is exported or not as in Node", async ([, index, files, isThere], { folder }) => {
  await writeTree(
    folder,
    { name: "provider", type: "module" },
    {
      "index.js": index,
      "a.js": "export const a = 1;\nexport default 2;\n",
      ...files,
    },
  );
  const file: LoadedFile = { path: "./index.js", format: "module" };

  const { names } = new ModuleShapes(readPackageTree(folder)).shapeOf(file);

  expect(names?.has("a")).toBe(isThere);
  expect(await isGivenByNode(folder, file)).toBe(isThere);
});

const STAR = "var __exportStar = (m, e) => { for (var p in m) if (!(p in e)) e[p] = m[p]; };\n";

test("of two modules that a compiler exports as a whole in CommonJS, the first gives a name", async ({
  folder,
}) => {
  await writeTree(
    folder,
    { name: "provider" },
    {
      "index.js": `${STAR}__exportStar(require("./a"), exports);\n__exportStar(require("./b"), exports);\n`,
      "a.js": "exports.a = 1;\n",
      "b.js": "exports.a = 2;\n",
    },
  );
  const file: LoadedFile = { path: "./index.js", format: "commonjs" };

  const { names } = new ModuleShapes(readPackageTree(folder)).shapeOf(file);

  expect(names?.has("a")).toBe(true);
  expect(await isGivenByNode(folder, file)).toBe(true);
});

test.for([
  ["function open() {}\nexport { open as 'module.exports' };\n", "function"],
  ["const open = () => 1;\nexport { open as default, open as 'module.exports' };\n", "function"],
  ["class Open {}\nexport { Open as 'module.exports' };\n", "class"],
  ["const all = { open() {} };\nexport { all as 'module.exports' };\n", "object"],
  ["import open from './a.js';\nexport { open as 'module.exports' };\n", "unknown"],
] as const)("an ES module gives to require by name a %2$s", async ([text, whole], { folder }) => {
  await writeTree(folder, { name: "provider", type: "module" }, { "index.js": text });
  const file: LoadedFile = { path: "./index.js", format: "module" };

  expect(new ModuleShapes(readPackageTree(folder)).shapeOf(file).whole).toBe(whole);
});
