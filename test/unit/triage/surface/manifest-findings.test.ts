import { expect } from "vitest";
import { locatePackages } from "../../../../src/triage/sources/npm/installed.ts";
import { readPackageTree } from "../../../../src/triage/sources/npm/manifest.ts";
import {
  entryFindings,
  requirementFindings,
} from "../../../../src/triage/surface/manifest-findings.ts";
import { type Files, test } from "../../../support/packages.ts";

type Manifest = Readonly<Record<string, unknown>>;

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
  const consumer = readPackageTree(request.consumer.path);

  const found = requirementFindings(locatePackages(request), consumer);

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

  const [found] = requirementFindings(
    locatePackages(request),
    readPackageTree(request.consumer.path),
  );

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
  const consumer = readPackageTree(request.consumer.path);

  const found = requirementFindings(locatePackages(request), consumer);

  expect(found.map(({ finding }) => `${finding.breaking} ${finding.id}`)).toEqual([
    "yes pkg.peer_narrowed:react",
    "maybe pkg.peer_narrowed:svelte",
  ]);
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
