import { expect } from "vitest";
import { readConsumerTree } from "../../../../src/triage/consumer/consumer-files.ts";
import { ownRanges } from "../../../../src/triage/consumer/own-ranges.ts";
import { readPackageTree } from "../../../../src/triage/sources/npm/manifest.ts";
import { type Files, test, writeTree } from "../../../support/packages.ts";

const engines = (node: string): Files[string] => JSON.stringify({ engines: { node } });

const WORKSPACES: Files = {
  "package.json": engines(">=20"),
  "a/package.json": engines(">=18"),
  "b/package.json": engines(">=22"),
  "c/d/package.json": "{}",
};

test.for<[users: string[], expected: string[]]>([
  [[], [">=20 package.json:1"]],
  [["a/src/x.ts"], [">=18 a/package.json:1"]],
  [
    ["b/x.ts", "a/src/x.ts", "a/y.ts"],
    [">=18 a/package.json:1", ">=22 b/package.json:1"],
  ],
  [["c/d/x.ts", "x.ts"], [">=20 package.json:1"]],
])(
  "files %j run on what their nearest package.json states",
  async ([users, expected], { folder }) => {
    await writeTree(folder, {}, WORKSPACES);
    const root = readPackageTree(folder);

    const own = ownRanges(readConsumerTree(folder), { root, name: "provider", users });

    expect(
      own.engine("node").map(({ range, place }) => `${range} ${place.path}:${place.line}`),
    ).toEqual(expected);
  },
);

test("versions that workflows and images run are found, each at its line", async ({ folder }) => {
  await writeTree(
    folder,
    {},
    {
      ".github/workflows/ci.yml": [
        "strategy:",
        "  matrix:",
        "    node-version: [18.x, '20'] # 16",
        "    include:",
        "      - node: 22",
        "        os: 24",
        "with:",
        "  node-version: ${{ matrix.node-version }}",
      ].join("\n"),
      ".github/dependabot.yml": "node-version: 14\n",
      "a/Dockerfile": "FROM docker.io/library/node:18.17.0-slim\nFROM my/node:16\nfrom node:20\n",
    },
  );
  const root = readPackageTree(folder);

  const { running } = ownRanges(readConsumerTree(folder), { root, name: "provider", users: [] });

  expect(running.map(({ range, place }) => `${range} ${place.path}:${place.line}`)).toEqual([
    "18.x .github/workflows/ci.yml:3",
    "20 .github/workflows/ci.yml:3",
    "22 .github/workflows/ci.yml:5",
    "18.17.0 a/Dockerfile:1",
    "20 a/Dockerfile:3",
  ]);
});
