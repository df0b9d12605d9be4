// Goal: what a tree depends on is read of its package.json files, and none goes missing unsaid.
// Method: write some in a folder, one of them beyond the limit.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { dependencyNames } from "../../../../src/triage/pipeline/package-manifests.ts";
import { makeTemporaryFolder } from "../../../support/folders-and-ports.ts";

const SIGNAL = new AbortController().signal;

async function inFolder(text: string, more: Readonly<Record<string, string>> = {}) {
  const { path, remove } = await makeTemporaryFolder();
  try {
    for (const [name, content] of Object.entries({ "package.json": text, ...more })) {
      await writeFile(join(path, name), content);
    }
    return await dependencyNames(path, SIGNAL);
  } finally {
    await remove();
  }
}

test("dependencies are known by their true names", async () => {
  const text = JSON.stringify({ dependencies: { a: "1", b: "npm:@c/d@2" } });

  expect(await inFolder(text)).toEqual({
    names: new Set(["a", "@c/d"]),
    isReadable: true,
    degraded: [],
  });
});

test.each([
  ["of pnpm", { "pnpm-workspace.yaml": "catalog:\n  retry: npm:@c/d@^1\n" }],
  ["of Yarn", { ".yarnrc.yml": "catalog:\n  retry: npm:@c/d@^1\n" }],
])("a catalog %s has aliases, known by their true names", async (_, catalog) => {
  const text = JSON.stringify({ dependencies: { retry: "catalog:", other: "catalog:" } });

  expect(await inFolder(text, catalog)).toMatchObject({ names: new Set(["@c/d", "other"]) });
});

test("a catalog that does not parse names nothing", async () => {
  const text = JSON.stringify({ dependencies: { retry: "catalog:" } });

  expect(await inFolder(text, { "pnpm-workspace.yaml": "catalog: [" })).toMatchObject({
    names: new Set(["retry"]),
    isReadable: true,
  });
});

test("a package.json that does not parse is told of", async () => {
  expect(await inFolder("{")).toMatchObject({ isReadable: false });
});

test("a package.json that is too large names nothing, and is told of", async () => {
  const filler = "x".repeat(LIMITS.fileBytesMax);

  expect(await inFolder(JSON.stringify({ dependencies: { a: "1" }, filler }))).toEqual({
    names: new Set(),
    isReadable: true,
    degraded: ["package.json of the consumer was left out: it has more than 1000000 bytes"],
  });
});
