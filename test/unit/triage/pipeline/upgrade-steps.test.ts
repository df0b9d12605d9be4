import { join } from "node:path";
import { expect } from "vitest";
import { readConsumerSetup, upgradeSteps } from "../../../../src/triage/pipeline/upgrade-steps.ts";
import { test as base, type Files, writeTree } from "../../../support/packages.ts";

type Manifest = Readonly<Record<string, unknown>>;
type Given = { readonly manifest?: Manifest; readonly files?: Files; readonly hits?: string[] };

const test = base.extend<{ steps: (given: Given) => Promise<string> }>({
  steps: async ({ folder }, use) => {
    await use(async ({ manifest = DEPENDS, files = {}, hits = [] }) => {
      const root = join(folder, "consumer");
      await writeTree(root, manifest, files);
      const setup = await readConsumerSetup(root, "@acme/sdk", new AbortController().signal);
      return upgradeSteps(setup, { name: "@acme/sdk", to: "2.0.0" }, hits);
    });
  },
});

const DEPENDS = { dependencies: { "@acme/sdk": "^1.0.0" } };
const TSCONFIG = "{}";
const OF_WORKSPACE = JSON.stringify(DEPENDS);

test("the compiler is run only where it has something to compile", async ({ steps }) => {
  expect(await steps({})).toBe("`npm install @acme/sdk@2.0.0`");
  expect(await steps({ files: { "tsconfig.json": TSCONFIG } })).toBe(
    "`npm install @acme/sdk@2.0.0 && npx tsc --noEmit`",
  );
});

test("a consumer without a tsconfig runs its tests, if it has some", async ({ steps }) => {
  const manifest = { ...DEPENDS, scripts: { test: "node --test" } };

  expect(await steps({ manifest })).toBe("`npm install @acme/sdk@2.0.0 && npm test`");
});

test("a tsconfig of another name is named", async ({ steps }) => {
  expect(await steps({ files: { "tsconfig.app.json": TSCONFIG } })).toBe(
    "`npm install @acme/sdk@2.0.0 && npx tsc --noEmit -p tsconfig.app.json`",
  );
});

test.for([
  ["pnpm-lock.yaml", "`pnpm add @acme/sdk@2.0.0 && pnpm exec tsc --noEmit`"],
  ["yarn.lock", "`yarn add @acme/sdk@2.0.0 && yarn tsc --noEmit`"],
  ["bun.lock", "`bun add @acme/sdk@2.0.0 && bunx tsc --noEmit`"],
  ["package-lock.json", "`npm install @acme/sdk@2.0.0 && npx tsc --noEmit`"],
] as const)("%s says which package manager", async ([lockfile, expected], { steps }) => {
  const files = { [lockfile]: "", "tsconfig.json": TSCONFIG };

  expect(await steps({ files })).toBe(expected);
});

test("packageManager counts before a lockfile, and a development dependency stays one", async ({
  steps,
}) => {
  const manifest = { packageManager: "pnpm@10.1.0", devDependencies: { "@acme/sdk": "1" } };

  expect(await steps({ manifest, files: { "yarn.lock": "" } })).toBe(
    "`pnpm add --save-dev @acme/sdk@2.0.0`",
  );
});

test("in a monorepo the folder that is hit is entered, else all that depend on it", async ({
  steps,
}) => {
  const manifest = { private: true, workspaces: ["packages/*"] };
  const files = {
    "tsconfig.json": TSCONFIG,
    "packages/shop/package.json": OF_WORKSPACE,
    "packages/shop/tsconfig.json": TSCONFIG,
    "packages/admin/package.json": OF_WORKSPACE,
    "packages/other/package.json": "{}",
    "node_modules/x/package.json": OF_WORKSPACE,
  };

  expect(await steps({ manifest, files, hits: ["packages/shop/src/a.ts"] })).toBe(
    "`cd packages/shop && npm install @acme/sdk@2.0.0 && npx tsc --noEmit`",
  );
  expect(await steps({ manifest, files })).toBe(
    "`cd packages/admin && npm install @acme/sdk@2.0.0 && npx tsc --noEmit -p ../../tsconfig.json`, " +
      "`cd packages/shop && npm install @acme/sdk@2.0.0 && npx tsc --noEmit`",
  );
});

test("a range of a catalog is changed there", async ({ steps }) => {
  const manifest = { dependencies: { "@acme/sdk": "catalog:" } };
  const files = {
    "pnpm-workspace.yaml": "catalog:\n  '@acme/sdk': ^1.0.0\n",
    "tsconfig.json": "{}",
  };

  expect(await steps({ manifest, files })).toBe(
    "set `@acme/sdk` to `2.0.0` in the catalog of pnpm-workspace.yaml, `pnpm install`, `pnpm exec tsc --noEmit`",
  );
});

test.for<readonly [title: string, manifest: Manifest, expected: string]>([
  [
    "an alias",
    { dependencies: { sdk: "npm:@acme/sdk@^1" } },
    "npm install sdk@npm:@acme/sdk@2.0.0",
  ],
  [
    "a peer",
    { peerDependencies: { "@acme/sdk": "^1" } },
    "npm install --save-peer @acme/sdk@2.0.0",
  ],
  [
    "a peer that is installed for development",
    { peerDependencies: { "@acme/sdk": "^1" }, devDependencies: { "@acme/sdk": "^1" } },
    "npm install --save-dev @acme/sdk@2.0.0",
  ],
])("%s stays what it is", async ([, manifest, expected], { steps }) => {
  expect(await steps({ manifest })).toBe(`\`${expected}\``);
});

test("a tsconfig that only refers to others has these built", async ({ steps }) => {
  const files = {
    "tsconfig.json":
      '{\n  // all of it\n  "files": [], "references": [{ "path": "./tsconfig.app.json" }],\n}',
    "tsconfig.app.json": TSCONFIG,
  };

  expect(await steps({ files })).toBe("`npm install @acme/sdk@2.0.0 && npx tsc -b`");
});

test.for<readonly [title: string, manifest: Manifest, files: Files, expected: string]>([
  ["pnpm", DEPENDS, { "pnpm-workspace.yaml": "packages: [a]\n" }, "pnpm add -w @acme/sdk@2.0.0"],
  ["Yarn 1", { ...DEPENDS, workspaces: ["a"] }, { "yarn.lock": "" }, "yarn add -W @acme/sdk@2.0.0"],
  [
    "Yarn 4",
    { ...DEPENDS, workspaces: ["a"], packageManager: "yarn@4.1.0" },
    { "yarn.lock": "" },
    "yarn add @acme/sdk@2.0.0",
  ],
])(
  "%s is told that the root of a workspace is meant, if it asks",
  async ([, manifest, files, expected], { steps }) => {
    expect(await steps({ manifest, files })).toBe(`\`${expected}\``);
  },
);
