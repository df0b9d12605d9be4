import { join } from "node:path";
import { expect } from "vitest";
import { readConsumerTree } from "../../../../src/triage/consumer/consumer-files.ts";
import { dependenciesIn, exposureOf } from "../../../../src/triage/consumer/exposure.ts";
import { readPackageTree } from "../../../../src/triage/sources/npm/manifest.ts";
import { test as base, type Files, writeTree } from "../../../support/packages.ts";

type Manifest = Readonly<Record<string, unknown>>;

/** A test that can tell how a consumer is exposed to version 2.0.0 of `sdk`. */
const test = base.extend<{ exposed: (manifest: Manifest, files?: Files) => Promise<unknown> }>({
  exposed: async ({ folder }, use) => {
    await use(async (manifest, files = {}) => {
      const root = join(folder, "consumer");
      await writeTree(root, manifest, files);
      const own = readPackageTree(root).manifest;
      const found = dependenciesIn(readConsumerTree(root), "sdk", own);
      const { range, satisfies } = exposureOf(root, found, "2.0.0");
      return { keys: found.map(({ key }) => key), range, satisfies };
    });
  },
});

const IN_CATALOG = { dependencies: { sdk: "catalog:" } };
const IN_NAMED = { dependencies: { sdk: "catalog:next" } };

test.for([
  ["pnpm's", IN_CATALOG, { "pnpm-workspace.yaml": "catalog:\n  sdk: ^1.0.0\n" }, "^1.0.0", false],
  [
    "a named one of pnpm's",
    IN_NAMED,
    { "pnpm-workspace.yaml": "catalogs:\n  next:\n    sdk: ^2.0.0\n" },
    "^2.0.0",
    true,
  ],
  ["Yarn's", IN_CATALOG, { ".yarnrc.yml": "catalog:\n  sdk: ~2.0.0\n" }, "~2.0.0", true],
  [
    "Bun's",
    { ...IN_CATALOG, workspaces: { packages: ["a"], catalog: { sdk: "1.x" } } },
    {},
    "1.x",
    false,
  ],
  ["Bun's at the top", { ...IN_NAMED, catalogs: { next: { sdk: "2.x" } } }, {}, "2.x", true],
  ["one that is nowhere", IN_CATALOG, {}, "catalog:", null],
  [
    "one that does not parse",
    IN_CATALOG,
    { "pnpm-workspace.yaml": "catalog: [" },
    "catalog:",
    null,
  ],
] as const)(
  "a range of a catalog is read: %s",
  async ([, manifest, files, range, satisfies], { exposed }) => {
    expect(await exposed(manifest, files)).toEqual({ keys: ["sdk"], range, satisfies });
  },
);

test("a workspace takes its range from the root's catalog, also by another name", async ({
  exposed,
}) => {
  const files = {
    "pnpm-workspace.yaml": "catalog:\n  old-sdk: npm:sdk@^1.0.0\n",
    "packages/a/package.json": JSON.stringify({ dependencies: { "old-sdk": "catalog:" } }),
  };

  expect(await exposed({}, files)).toEqual({
    keys: ["old-sdk"],
    range: "^1.0.0",
    satisfies: false,
  });
});

test.for([
  ["workspace:*", "1.4.0", false],
  ["workspace:^", "^1.4.0", false],
  ["workspace:~", "~1.4.0", false],
  ["workspace:^2.0.0", "^2.0.0", true],
  ["workspace:../sdk", "workspace:../sdk", null],
] as const)("%s means %s", async ([written, range, satisfies], { exposed }) => {
  const files = { "packages/sdk/package.json": '{"name": "sdk", "version": "1.4.0"}' };

  expect(await exposed({ dependencies: { sdk: written } }, files)).toEqual({
    keys: ["sdk"],
    range,
    satisfies,
  });
});

test("an alias of a workspace is one of its package", async ({ exposed }) => {
  expect(await exposed({ dependencies: { other: "workspace:sdk@^1.0.0" } })).toEqual({
    keys: ["other"],
    range: "^1.0.0",
    satisfies: false,
  });
});
