import { expect } from "vitest";
import { readConsumerTree } from "../../../../src/triage/consumer/consumer-files.ts";
import { ownRanges } from "../../../../src/triage/consumer/own-ranges.ts";
import type { AnalysisRequest } from "../../../../src/triage/facts/analysis.ts";
import { locatePackages } from "../../../../src/triage/sources/npm/installed.ts";
import { readPackageTree } from "../../../../src/triage/sources/npm/manifest.ts";
import {
  entryFindings,
  requirementFindings,
} from "../../../../src/triage/surface/manifest-findings.ts";
import { type Files, test } from "../../../support/packages.ts";

type Manifest = Readonly<Record<string, unknown>>;

/** What the two versions require and the consumer states, where it lists the package. */
function requirements(request: AnalysisRequest) {
  const tree = readConsumerTree(request.consumer.path);
  const root = readPackageTree(request.consumer.path);
  const own = ownRanges(tree, { root, name: "provider", users: [] });
  return requirementFindings(locatePackages(request), own);
}

const files = (manifest: Manifest): Files => ({
  "package.json": manifest,
  "index.js": "",
  "index.cjs": "",
  "lib/inner.js": "",
});

test.for<[title: string, before: Manifest, after: Manifest, own: Manifest, expected: string[]]>([
  ["as wide as before", { node: ">=18" }, { node: ">=16" }, {}, []],
  [
    "narrower, and the consumer states none",
    { node: ">=18" },
    { node: ">=20" },
    {},
    ["no pkg.engines:node"],
  ],
  [
    "narrower, consumer inside",
    { node: ">=18" },
    { node: ">=20" },
    { node: ">=22" },
    ["no pkg.engines:node"],
  ],
  [
    "narrower, consumer outside",
    { node: ">=18" },
    { node: ">=20" },
    { node: ">=18" },
    ["yes pkg.engines:node"],
  ],
  ["stated at last", {}, { node: ">=20" }, {}, ["no pkg.engines:node"]],
])("engines that are %s", async ([, before, after, own, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "package.json": { engines: before } },
    to: { "package.json": { engines: after } },
    consumer: { "package.json": { engines: own } },
  });
  const found = requirements(request);

  expect(found.map(({ finding }) => `${finding.breaking} ${finding.id}`)).toEqual(expected);
  expect(found.every(({ finding }) => finding.trigger === "deployment")).toBe(true);
});

test.for<[title: string, files: Files, expected: string]>([
  ["as .nvmrc says", { ".nvmrc": "v22.4.0\n" }, "no"],
  ["as .node-version says", { ".node-version": "18" }, "yes"],
  [
    "as engines say first",
    { ".nvmrc": "22", "package.json": { engines: { node: ">=18" } } },
    "yes",
  ],
  ["unknown where .nvmrc has only a name", { ".nvmrc": "lts/*" }, "no"],
])("the consumer's Node is %s", async ([, pinned, breaking], { makeUpgrade }) => {
  const request = await makeUpgrade({
    to: { "package.json": { engines: { node: ">=20" } } },
    consumer: pinned,
  });

  const [found] = requirements(request);

  expect(found?.finding).toMatchObject({ id: "pkg.engines:node", breaking });
});

test("a peer that the consumer has in the wrong version breaks, an optional one does not", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({
    from: { "package.json": { peerDependencies: { react: ">=17" } } },
    to: {
      "package.json": {
        peerDependencies: { react: ">=19", vue: "^3", svelte: "^5" },
        peerDependenciesMeta: { vue: { optional: true } },
      },
    },
    consumer: { "package.json": { devDependencies: { react: "^18.2.0" } } },
  });
  const found = requirements(request);

  expect(found.map(({ finding }) => `${finding.breaking} ${finding.id}`)).toEqual([
    "yes pkg.peer_narrowed:react",
    "maybe pkg.peer_narrowed:svelte",
  ]);
});

test.for<[title: string, files: Files, expected: string]>([
  ["volta", { "package.json": { volta: { node: "18.17.0" } } }, "yes package.json:7 18.17.0"],
  [
    "devEngines",
    { "package.json": { devEngines: { runtime: { name: "node", version: ">=18" } } } },
    "yes package.json:9 >=18",
  ],
  [
    ".tool-versions",
    { ".tool-versions": "# us\nnodejs 18.17.0\n" },
    "yes .tool-versions:2 18.17.0",
  ],
  [".tool-versions for mise", { ".tool-versions": "ruby 3\nnode 22\n" }, "no .tool-versions:2 22"],
  [".tool-versions with a name", { ".tool-versions": "nodejs lts\n" }, "no - null"],
  [".nvmrc with a comment", { ".nvmrc": "# ours\nv18.20.1\n" }, "yes .nvmrc:2 v18.20.1"],
  [".nvmrc that names the major alone", { ".nvmrc": "20\n" }, "maybe .nvmrc:1 20"],
  [".nvmrc that names any", { ".nvmrc": "node\n" }, "no - null"],
  [
    "the workspace before the root",
    {
      "package.json": { dependencies: {}, engines: { node: ">=18" } },
      "a/package.json": '{"dependencies": {"provider": "^1"},\n"engines": {"node": ">=22"}}',
    },
    "no a/package.json:2 >=22",
  ],
  [
    "the version file of the workspace before the root",
    {
      "package.json": { dependencies: {}, engines: { node: ">=22" } },
      "a/package.json": '{"dependencies": {"provider": "^1"}}',
      "a/.nvmrc": "18",
    },
    "yes a/.nvmrc:1 18",
  ],
  [
    "the root where the workspace says nothing",
    { ".nvmrc": "18", "a/package.json": '{"dependencies": {"provider": "^1"}}' },
    "yes .nvmrc:1 18",
  ],
  [
    "a workspace that does not use it",
    { "a/package.json": '{"engines": {"node": ">=18"}}' },
    "no - null",
  ],
  [
    "a workflow",
    { ".github/workflows/ci.yml": "with:\n  node-version: [18, 20.11.0, 22, lts/*]\n" },
    "maybe .github/workflows/ci.yml:2 18",
  ],
  [
    "a workflow's matrix",
    { ".github/workflows/ci.yaml": "node:\n  - '16'\n  - 22\nos:\n  - 18\n" },
    "maybe .github/workflows/ci.yaml:2 16",
  ],
  ["an image", { Dockerfile: "FROM --platform=a node:18-alpine AS b\n" }, "maybe Dockerfile:1 18"],
  ["an image of its range", { Dockerfile: "FROM node:22\nFROM node:lts\n" }, "no - null"],
  [
    "its engines before an image",
    { Dockerfile: "FROM node:18\n", ".nvmrc": "18.1.0" },
    "yes .nvmrc:1 18.1.0",
  ],
])("the consumer's Node is read from %s", async ([, own, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    to: { "package.json": { engines: { node: ">=20.11" } } },
    consumer: own,
  });

  const [found] = requirements(request);

  const places = found?.match.by === "places" ? found.match.places : [];
  const at = places.map(({ path, line }) => `${path}:${line}`).join(" ") || "-";
  expect(`${found?.finding.breaking} ${at} ${found?.finding.own}`).toBe(expected);
  if (expected.startsWith("yes")) expect(found?.finding.proof?.text).toContain(`(${at})`);
});

const USING = { dependencies: { provider: "^1.0.0" } };
const using = (react: string): string =>
  JSON.stringify({ dependencies: { provider: "^1.0.0", react } });

test.for<[title: string, files: Files, expected: string]>([
  [
    "a catalog",
    {
      "package.json": { dependencies: { ...USING.dependencies, react: "catalog:" } },
      "pnpm-workspace.yaml": "catalog:\n  react: ^18.2.0\n",
    },
    "yes package.json:5 ^18.2.0",
  ],
  [
    "a named catalog of a workspace",
    {
      "a/package.json": using("catalog:new"),
      "pnpm-workspace.yaml": "catalogs:\n  new:\n    react: ^19.1.0\n",
    },
    "no a/package.json:1 ^19.1.0",
  ],
  [
    "a package of the workspace",
    {
      "a/package.json": using("workspace:^"),
      "react/package.json": '{"name": "react", "version": "18.0.0"}',
    },
    "yes a/package.json:1 ^18.0.0",
  ],
  [
    "an alias",
    { "a/package.json": using("npm:@our/react@^19.0.0") },
    "no a/package.json:1 ^19.0.0",
  ],
  [
    "the workspace that uses it, and not the root",
    {
      "package.json": { dependencies: { react: "^18.0.0" } },
      "a/package.json": using("^19.0.0"),
    },
    "no a/package.json:1 ^19.0.0",
  ],
  [
    "the root where the workspace has none",
    {
      "package.json": { dependencies: { react: "^18.0.0" } },
      "a/package.json": JSON.stringify(USING),
    },
    "yes package.json:4 ^18.0.0",
  ],
  [
    "a catalog that is nowhere",
    { "a/package.json": using("catalog:") },
    "maybe a/package.json:1 catalog:",
  ],
])("the consumer's range for a peer is that of %s", async ([, own, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "package.json": { peerDependencies: { react: ">=18" } } },
    to: { "package.json": { peerDependencies: { react: ">=19" } } },
    consumer: own,
  });

  const [found] = requirements(request);

  const places = found?.match.by === "places" ? found.match.places : [];
  const at = places.map(({ path, line }) => `${path}:${line}`).join(" ");
  expect(`${found?.finding.breaking} ${at} ${found?.finding.own}`).toBe(expected);
});

const MAP = { ".": "./index.js", "./inner": "./lib/inner.js" };

test.for<
  [title: string, before: Manifest, after: Manifest, imported: string[], expected: string[]]
>([
  [
    "a subpath that is gone breaks",
    { exports: MAP },
    { exports: { ".": "./index.js" } },
    [],
    ["pkg.exports_removed:./inner"],
  ],
  [
    "a subpath that has moved does not",
    { exports: MAP },
    { exports: { ...MAP, "./inner": "./index.js" } },
    [],
    [],
  ],
  [
    "a first map closes what the consumer imports",
    {},
    { exports: "./index.js" },
    ["./lib/inner.js"],
    ["pkg.exports_removed:./lib/inner.js", "pkg.exports_removed:./*"],
  ],
  [
    "a pattern keeps what the consumer imports",
    {},
    { exports: { ".": "./index.js", "./lib/*": "./lib/*" } },
    ["./lib/inner.js"],
    ["pkg.exports_removed:./*"],
  ],
  [
    "a command that is gone breaks",
    { bin: { one: "a.js", two: "b.js" } },
    { bin: { two: "b.js" } },
    [],
    ["pkg.bin_removed:one"],
  ],
  [
    "a command under the package's name is one",
    { bin: "a.js" },
    { bin: { provider: "b.js" } },
    [],
    [],
  ],
])("%s", async ([, before, after, imported, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({ from: files(before), to: files(after) });

  const found = entryFindings(locatePackages(request), imported);

  expect(found.map(({ finding }) => finding.id)).toEqual(expected);
  expect(found.every(({ finding }) => finding.breaking === "yes")).toBe(true);
});
