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

test.for<[files: Files, expected: string[]]>([
  [{ "mise.toml": '[env]\nA = "1"\n[tools]\nnode = "20.1"\n' }, ["20.1 mise.toml:4"]],
  [{ ".mise.toml": '[tools]\nnodejs = ["18", "20"]\n' }, ["18 .mise.toml:2"]],
  [{ "mise.toml": '[tools]\nnode = { version = "22" }\n' }, ["22 mise.toml:2"]],
  [{ ".config/mise/config.toml": 'tools.node = "22"\n' }, ["22 .config/mise/config.toml:1"]],
  [{ "mise.toml": '[tools]\nnode = "lts"\npython = "3.12"\n' }, []],
  [{ "mise.toml": "[tools\n" }, []],
  [{ ".nvmrc": "18\n", "mise.toml": '[tools]\nnode = "22"\n' }, ["18 .nvmrc:1"]],
])("%j states what is developed on", async ([files, expected], { folder }) => {
  await writeTree(folder, {}, files);
  const root = readPackageTree(folder);

  const own = ownRanges(readConsumerTree(folder), { root, name: "provider", users: [] });

  expect(
    own.engine("node").map(({ range, place }) => `${range} ${place.path}:${place.line}`),
  ).toEqual(expected);
});

const CI = ".github/workflows/ci.yml";

test.for<[files: Files, expected: string[]]>([
  [
    {
      [CI]: "- uses: actions/setup-node@v4\n  with:\n    node-version-file: 'ops/.nvmrc'\n",
      "ops/.nvmrc": "v18.2.0\n",
    },
    ["v18.2.0 ops/.nvmrc:1"],
  ],
  [
    {
      [CI]: "node-version-file: ops/.tool-versions\n",
      "ops/.tool-versions": "ruby 3.2\nnodejs 18.1.0 20.1.0\n",
    },
    ["18.1.0 ops/.tool-versions:2", "20.1.0 ops/.tool-versions:2"],
  ],
  [
    { [CI]: "node-version-file: ./web/package.json\n", "web/package.json": engines("18.x") },
    ["18.x web/package.json:1"],
  ],
  [{ [CI]: "node-version-file: .nvmrc\n" }, []],
  [{ [CI]: "env:\n  NODE_VERSION: 18.3\n" }, [`18.3 ${CI}:2`]],
  [{ [CI]: "jobs:\n  a:\n    container: node:18-bullseye\n" }, [`18 ${CI}:3`]],
  [{ "compose.yaml": 'image: "node:20-alpine"\n' }, ["20 compose.yaml:1"]],
  [{ ".gitlab-ci.yml": "image: my/node:20\n" }, []],
  [
    { ".circleci/config.yml": "docker:\n  - image: cimg/node:18.20\n" },
    ["18.20 .circleci/config.yml:2"],
  ],
  [
    {
      Dockerfile:
        "ARG NODE=18.4\nFROM --platform=x node:${NODE}-slim AS a\nFROM $BASE\nFROM gcr.io/distroless/nodejs20-debian12\n",
    },
    ["18.4 Dockerfile:2", "20 Dockerfile:4"],
  ],
  [
    {
      Dockerfile:
        "FROM node:${V:-20}\nFROM node:lts\nFROM public.ecr.aws/docker/library/node:22.1\n",
    },
    ["20 Dockerfile:1", "22.1 Dockerfile:3"],
  ],
])("%j runs what it names", async ([files, expected], { folder }) => {
  await writeTree(folder, {}, files);
  const root = readPackageTree(folder);

  const { running } = ownRanges(readConsumerTree(folder), { root, name: "provider", users: [] });

  expect(running.map(({ range, place }) => `${range} ${place.path}:${place.line}`)).toEqual(
    expected,
  );
});
