import { expect } from "vitest";
import { readConsumerTree } from "../../../../src/triage/consumer/consumer-files.ts";
import { test, writeTree } from "../../../support/packages.ts";

const BUILD = { "build/code.json": '{ "compilerOptions": {} }\n' };

test.for([
  ["package.json", '{ "scripts": { "build": "tsc -p build/code.json" } }'],
  ["tools/package.json", '{ "scripts": { "build": "cd ../build && tsc -p code.json" } }'],
  [
    ".github/workflows/ci.yml",
    "jobs:\n  a:\n    steps:\n      - run: npx tsc -p build/code.json\n",
  ],
  [
    ".github/workflows/ci.yml",
    "jobs:\n  a:\n    steps:\n      - working-directory: build\n        run: tsc --project=code.json\n",
  ],
  ["Makefile", "all:\n\tcd build && npx tsc -b code.json\n"],
  ["build/Makefile", "all:\n\tnpx tsc --project code.json --noEmit\n"],
  ["Dockerfile", "FROM node:24\nRUN npm ci && npx vue-tsc -p ./build/code.json\n"],
  [".husky/pre-push", "npx tsc -p build/code.json\n"],
] as const)(
  "a project that %s has compiled is one by whatever name: %s",
  async ([path, text], { folder }) => {
    await writeTree(folder, {}, { ...BUILD, [path]: text });

    const { tsconfigs } = readConsumerTree(folder);

    expect(tsconfigs.map((file) => file.path)).toEqual(["build/code.json"]);
  },
);

test.for([
  ["docs.md", "npx tsc -p build/code.json\n"],
  ["Makefile", "all:\n\tmkdir -p build/code.json\n"],
  [".github/workflows/ci.yml", "run: npx tsc -p package.json\n"],
] as const)("%s makes nothing a project by %j", async ([path, text], { folder }) => {
  await writeTree(folder, {}, { ...BUILD, "package.json": "{}\n", [path]: text });

  expect(readConsumerTree(folder).tsconfigs).toEqual([]);
});
