// Goal: an entry is read once for its format. Method: a package on disk whose entry changes
// between two loads, as none does while it is analysed.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { readPackageTree } from "../../../../../src/triage/sources/npm/manifest.ts";
import { resolveLoad } from "../../../../../src/triage/sources/npm/node-loading.ts";
import { test, writeTree } from "../../../../support/packages.ts";

const LOADING = { by: "import", node: null } as const;

test("an entry without a type is read once for its format", async ({ folder }) => {
  await writeTree(folder, { name: "p", version: "1.0.0" }, { "index.js": "export default 1;\n" });
  const tree = readPackageTree(folder);
  const first = resolveLoad(tree, ".", LOADING);
  await writeFile(join(folder, "index.js"), "module.exports = 1;\n");

  expect(first.file?.format).toBe("module");
  expect(resolveLoad(tree, ".", LOADING)).toEqual(first);
  expect(resolveLoad(readPackageTree(folder), ".", LOADING).file?.format).toBe("commonjs");
});
