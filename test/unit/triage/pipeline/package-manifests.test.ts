// Goal: what a tree depends on is read of its package.json files, and none goes missing unsaid.
// Method: write some in a folder, one of them beyond the limit.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { dependencyNames } from "../../../../src/triage/pipeline/package-manifests.ts";
import { makeTemporaryFolder } from "../../../support/folders-and-ports.ts";

const SIGNAL = new AbortController().signal;

async function inFolder(text: string) {
  const { path, remove } = await makeTemporaryFolder();
  try {
    await writeFile(join(path, "package.json"), text);
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
