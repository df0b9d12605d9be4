// Goal: every way in which a consumer uses a package is seen. Method: real upgrades of a small
// package to its next major, and a consumer that uses it in one way only.
import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, type Files, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

/** What uses a package, by its name, and the places that are told of it. */
type Way = readonly [title: string, name: string, consumer: Files, places: readonly string[]];

// In two pieces: a runner of tests reads the whole where it stands.
const DOCBLOCK = ["/**\n * @", 'jest-environment provider\n */\ntest("a", () => {});'].join("");

const WAYS: readonly Way[] = [
  [
    "an import in a Vue component",
    "provider",
    {
      "src/App.vue":
        '<template/>\n<script setup lang="ts">\nimport { a } from "provider";\n</script>',
    },
    ["src/App.vue:3"],
  ],
  [
    "an import in a Svelte component",
    "provider",
    { "src/A.svelte": '<p/>\n<script>\nimport { a } from "provider";\n</script>' },
    ["src/A.svelte:3"],
  ],
  [
    "an import in an Astro page",
    "provider",
    { "src/a.astro": '---\nimport { a } from "provider";\n---\n<p>{a}</p>' },
    ["src/a.astro:2"],
  ],
  [
    "an import in MDX",
    "provider",
    { "docs/a.mdx": '# Title\n\nimport { A } from "provider";\n\n<A />' },
    ["docs/a.mdx:3"],
  ],
  [
    "a script that a server's page loads",
    "provider",
    { "views/a.ejs": '<p>provider</p>\n<script src="/node_modules/provider/a.js"></script>' },
    ["views/a.ejs:2"],
  ],
  [
    "a require of CoffeeScript",
    "provider",
    { "a.coffee": '# provider\n{ a } = require "provider"\n' },
    ["a.coffee:2"],
  ],
  [
    "the environment that a comment gives a test",
    "jest-environment-provider",
    { "a.test.js": DOCBLOCK },
    ["a.test.js:2"],
  ],
  [
    "an import in a page's script",
    "provider",
    { "index.html": '<script type="module">import "provider";</script>' },
    ["index.html:1"],
  ],
  [
    "a type in JSDoc",
    "provider",
    { "a.js": '\n/** @typedef {import("provider").T} T */\n' },
    ["a.js:2"],
  ],
  [
    "an import in JSDoc",
    "provider",
    { "a.js": '\n/** @import { T } from "provider" */\nlet a;' },
    ["a.js:2"],
  ],
  [
    "require.resolve",
    "provider",
    { "a.cjs": 'require.resolve("provider/package.json");' },
    ["a.cjs:1"],
  ],
  ["import.meta.resolve", "provider", { "a.mjs": 'import.meta.resolve("provider");' }, ["a.mjs:1"]],
  [
    "createRequire",
    "provider",
    {
      "a.mjs":
        'import { createRequire } from "node:module";\nconst load = createRequire(import.meta.url);\nload("provider");',
    },
    ["a.mjs:3"],
  ],
  [
    "an import equals declaration",
    "provider",
    { "a.cts": 'import p = require("provider");\np;' },
    ["a.cts:1"],
  ],
  [
    "imports of package.json",
    "provider",
    { "package.json": { imports: { "#p": { default: "provider" } } }, "a.js": 'import "#p";' },
    ["a.js:1"],
  ],
  [
    "imports of package.json with a pattern",
    "provider",
    { "package.json": { imports: { "#p/*": "provider/*" } }, "a.js": 'import "#p/sub.js";' },
    ["a.js:1"],
  ],
  [
    "paths of a tsconfig",
    "provider",
    {
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@p": ["./node_modules/provider"] } } }',
      "a.ts": 'import "@p";',
    },
    ["a.ts:1"],
  ],
  [
    "a reference to types",
    "provider",
    { "a.ts": '/// <reference types="provider" />\nexport {};' },
    ["a.ts:1"],
  ],
  [
    "an augmentation",
    "provider",
    { "a.ts": 'export {};\ndeclare module "provider" { interface T { b: 1 } }' },
    ["a.ts:2"],
  ],
  [
    "extends of a tsconfig",
    "provider",
    { "tsconfig.json": '{\n  "extends": "provider/tsconfig.json"\n}' },
    ["tsconfig.json:2"],
  ],
  [
    "types of a tsconfig",
    "provider",
    { "tsconfig.json": '{ "compilerOptions": {\n  "types": ["provider"]\n} }' },
    ["tsconfig.json:2"],
  ],
  ["the package that is typed", "@types/other", { "a.ts": 'import "other";' }, ["a.ts:1"]],
  ["the scoped package that is typed", "@types/s__o", { "a.ts": 'import "@s/o";' }, ["a.ts:1"]],
  [
    "the modules of Node that are typed",
    "@types/node",
    { "a.ts": 'import "node:fs";' },
    ["a.ts:1"],
  ],
  ["a mocked module", "provider", { "a.js": 'vi.mock("provider");' }, ["a.js:1"]],
  [
    "a preload in a script",
    "provider",
    { "package.json": { scripts: { test: "mocha -r provider/register" } } },
    ["package.json:7"],
  ],
  [
    "a command by its package's name",
    "provider",
    { ".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n      - run: npx provider@1 --all\n" },
    [".github/workflows/a.yml:4"],
  ],
  [
    "a command in a Makefile",
    "provider",
    { Makefile: "all:\n\t./node_modules/.bin/provider .\n" },
    ["Makefile:2"],
  ],
  [
    "a command in a Dockerfile",
    "provider",
    { Dockerfile: 'FROM node\nCMD ["npx", "provider"]\n' },
    ["Dockerfile:2"],
  ],
  ["a command in a shell script", "provider", { "a.sh": "set -e\nprovider run\n" }, ["a.sh:2"]],
  [
    "a hook of husky",
    "provider",
    { ".husky/pre-commit": "npx provider\n" },
    [".husky/pre-commit:1"],
  ],
  [
    "a command of lint-staged",
    "provider",
    { "package.json": { "lint-staged": { "*.js": "provider --fix" } } },
    ["package.json:7"],
  ],
  ["settings by name", "provider", { ".providerrc.json": "{}" }, [".providerrc.json:1"]],
  [
    "settings as code",
    "provider",
    { "provider.config.mjs": "export default {};" },
    ["provider.config.mjs:1"],
  ],
  [
    "settings in package.json",
    "provider",
    { "package.json": { provider: { all: true } } },
    ["package.json:6"],
  ],
  [
    "a plugin of ESLint by its short name",
    "eslint-plugin-provider",
    { ".eslintrc.json": '{\n  "plugins": ["provider"]\n}' },
    [".eslintrc.json:2"],
  ],
  [
    "settings of ESLint by their short name",
    "@s/eslint-config-provider",
    { "package.json": { eslintConfig: { extends: ["@s/provider"] } } },
    ["package.json:8"],
  ],
  [
    "a preset of Babel by its short name",
    "@babel/preset-provider",
    { "babel.config.json": '{ "presets": [["@babel/provider", {}]] }' },
    ["babel.config.json:1"],
  ],
  [
    "an environment of Jest by its short name",
    "jest-environment-provider",
    { "jest.config.js": 'module.exports = { testEnvironment: "provider" };' },
    ["jest.config.js:1"],
  ],
  [
    "a name in settings that are code",
    "prettier-plugin-provider",
    { ".prettierrc.mjs": 'export default { plugins: ["prettier-plugin-provider"] };' },
    [".prettierrc.mjs:1"],
  ],
  [
    "a name in YAML",
    "semantic-provider",
    { ".releaserc.yml": "plugins:\n  - semantic-provider\n" },
    [".releaserc.yml:2"],
  ],
  [
    "require of mocha",
    "provider",
    { ".mocharc.yml": "require:\n  - provider/register\n" },
    [".mocharc.yml:2"],
  ],
  [
    "an import whose end is put together",
    "provider",
    { "a.mjs": "export const load = (l) => import(`provider/locale/${l}.js`);" },
    ["a.mjs:1"],
  ],
  [
    "an import of Deno",
    "provider",
    { "a.ts": 'import { a } from "npm:provider@1.0.0/sub";' },
    ["a.ts:1"],
  ],
  [
    "an import with a query",
    "provider",
    { "a.ts": 'import w from "provider?worker";' },
    ["a.ts:1"],
  ],
  ["a loader of webpack", "provider", { "a.js": 'import w from "provider!./a.css";' }, ["a.js:1"]],
  [
    "the source of JSX in a comment",
    "provider",
    { "a.tsx": "/** @jsxImportSource provider */\nexport {};" },
    ["a.tsx:1"],
  ],
  [
    "a dependency of an AMD module",
    "provider",
    { "a.ts": '/// <amd-dependency path="provider" />\nexport {};' },
    ["a.ts:1"],
  ],
  [
    "a plugin as a key of settings",
    "provider",
    { "postcss.config.cjs": "module.exports = {\n  plugins: { provider: {} },\n};" },
    ["postcss.config.cjs:2"],
  ],
  [
    "a command of lint-staged in code",
    "provider",
    { "lint-staged.config.js": "export default {\n  '*.js': (files) => `provider ${files}`,\n};" },
    ["lint-staged.config.js:2"],
  ],
  [
    "a command that code starts",
    "provider",
    { "build.mjs": 'import { spawn } from "node:child_process";\nspawn("npx", ["provider"]);' },
    ["build.mjs:2"],
  ],
  [
    "an option by its short name",
    "eslint-formatter-provider",
    { "package.json": { scripts: { lint: "eslint --format provider src" } } },
    ["package.json:7"],
  ],
  [
    "a plugin of Rollup by its short name",
    "@rollup/plugin-provider",
    { "package.json": { scripts: { build: "rollup -c -p provider" } } },
    ["package.json:7"],
  ],
  [
    "settings of another tool in a tsconfig",
    "provider",
    { "tsconfig.json": '{ "ts-node": {\n  "require": ["provider/register"]\n} }' },
    ["tsconfig.json:2"],
  ],
  [
    "a key of package.json that names it, at its line",
    "@s/provider-config",
    { "package.json": { prettier: "@s/provider-config" } },
    ["package.json:6"],
  ],
  ["a preload of Bun", "provider", { "bunfig.toml": 'preload = ["provider"]' }, ["bunfig.toml:1"]],
  ["@import in CSS", "provider", { "a.css": '\n@import "provider/a.css";' }, ["a.css:2"]],
  ["@use in Sass", "provider", { "a.scss": '@use "~provider/a";' }, ["a.scss:1"]],
  ["@plugin in CSS", "provider", { "a.css": '@plugin "provider";' }, ["a.css:1"]],
];

test.for(WAYS)("%s is a use", SLOW, async ([, name, consumer, places], { makeUpgrade }) => {
  const { "package.json": fields, ...files } = consumer;
  const request = await makeUpgrade({
    from: { "package.json": { name } },
    to: { "package.json": { name, version: "2.0.0" } },
    consumer: {
      ...files,
      "package.json": {
        dependencies: { [name]: "1" },
        ...(typeof fields === "object" ? fields : {}),
      },
    },
  });
  const asked = { ...request, package: { ...request.package, name, to: "2.0.0" } };

  const analysis = analyzePackage(asked, quiet);

  expect(analysis.usage).toBe("confirmed");
  const version = analysis.hits.find(({ finding }) => finding.rule === "pkg.version");
  expect(version?.hits.map(({ path, line }) => `${path}:${line}`)).toEqual(places);
});

test(
  "of an import whose end is put together the files count that it may mean",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.js": "", "locale/de.js": "", "locale/en.js": "" },
      to: { "package.json": { exports: "./index.js" }, "index.js": "", "locale/en.js": "" },
      consumer: { "a.js": 'exports.load = (name) => require("provider/locale/" + name);' },
    });

    const found = breakingHits(analyzePackage(request, quiet));

    expect(found).toContain("pkg.exports_removed:./locale/en confirmed a.js:1");
  },
);

test.for<readonly [title: string, fields: object]>([
  ["overrides of npm", { overrides: { other: { provider: "1" } } }],
  ["resolutions of Yarn", { resolutions: { "**/provider": "1" } }],
  ["overrides of pnpm", { pnpm: { overrides: { "other>provider": "1" } } }],
])("a consumer that pins a package by %s may use it", SLOW, async ([, fields], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export const a: 1;" },
    to: { "index.d.ts": "" },
    consumer: { "package.json": { dependencies: {}, ...fields } },
  });

  expect(analyzePackage(request, quiet).usage).toBe("unknown");
});

test.for<readonly [title: string, consumer: Files]>([
  ["data that name it", { "data/packages.json": '{ "name": "provider", "sub": "provider/sub" }' }],
  ["a document that names it", { "README.md": "Uses provider." }],
  ["a lockfile that has it", { "pnpm-lock.yaml": "packages:\n  provider@1.0.0: {}\n" }],
  [
    "a bot that updates it",
    { "renovate.json": '{ "packageRules": [{ "matchPackageNames": ["provider"] }] }' },
  ],
  ["a word in a text", { "a.js": 'console.log("provider");' }],
  ["a catalog that has its range", { "pnpm-workspace.yaml": "catalog:\n  provider: ^1.0.0\n" }],
])(
  "%s leaves open whether a listed package is used",
  SLOW,
  async ([, consumer], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": "export const a: 1;" },
      to: { "index.d.ts": "" },
      consumer,
    });

    const analysis = analyzePackage(request, quiet);

    expect(analysis.usage).toBe("unknown");
    expect(breakingHits(analysis)).toEqual(["ts.export_removed:a unknown"]);
  },
);
