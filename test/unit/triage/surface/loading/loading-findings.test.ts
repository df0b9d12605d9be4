import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readConsumerTree } from "../../../../../src/triage/consumer/consumer-files.ts";
import { moduleLoads } from "../../../../../src/triage/consumer/module-loads.ts";
import { specifiersOf } from "../../../../../src/triage/consumer/specifiers.ts";
import type { AnalysisRequest } from "../../../../../src/triage/facts/analysis.ts";
import { locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import { loadingFindings } from "../../../../../src/triage/surface/loading/loading-findings.ts";
import { type Files, test } from "../../../../support/packages.ts";

/** The Node that runs the tests: what the rules say of it can be tried. */
const THIS_NODE = ">=24.0.0";

function found(request: AnalysisRequest, node: string | null) {
  const tree = readConsumerTree(request.consumer.path);
  const specifiers = specifiersOf("provider", [], tree);
  const running = { specifiers, manifests: tree.manifests, optionsOf: () => ({}) };
  const loads = tree.sources.flatMap((file) => moduleLoads(file, running));
  return loadingFindings(locatePackages(request), { loads, node });
}

function breaksOf(request: AnalysisRequest, node: string | null): string[] {
  return found(request, node)
    .filter(({ match }) => match.by === "places" && match.places.length > 0)
    .map(({ finding: { breaking, id } }) => `${breaking} ${id}`)
    .toSorted();
}

/** Whether Node runs the consumer's file with a version of the package installed. */
function runs(request: AnalysisRequest, side: "fromPath" | "toPath", file: string): boolean {
  const installed = join(request.consumer.path, "node_modules/provider");
  rmSync(installed, { recursive: true, force: true });
  cpSync(request.package[side] ?? "", installed, { recursive: true });
  return spawnSync(process.execPath, [join(request.consumer.path, file)]).status === 0;
}

type Manifest = Readonly<Record<string, unknown>>;

const FUNCTION = "module.exports = function (text) { return text; };\n";
const DUAL: Manifest = {
  type: "module",
  exports: {
    ".": {
      import: { types: "./dist/esm/index.d.ts", default: "./dist/esm/index.js" },
      require: { types: "./dist/commonjs/index.d.ts", default: "./dist/commonjs/index.js" },
    },
  },
};

type Case = readonly [
  title: string,
  parts: { from: Files; to: Files; file: string; text: string; expected: readonly string[] },
];

const CASES: readonly Case[] = [
  [
    "a dual package with a nested manifest is CommonJS for require",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: {
        "package.json": DUAL,
        "dist/commonjs/package.json": '{ "type": "commonjs" }',
        "dist/commonjs/index.js": "exports.match = () => true;\n",
        "dist/esm/index.js": "export const match = () => true;\n",
      },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: [],
    },
  ],
  [
    "the same package without the nested manifest gives require an ES module that is none",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: {
        "package.json": DUAL,
        "dist/commonjs/index.js": "exports.match = () => true;\n",
        "dist/esm/index.js": "export const match = () => true;\n",
      },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: ["yes js.export_removed:match"],
    },
  ],
  [
    "require of an ES module loads, and gives its names",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: { "package.json": { type: "module" }, "index.js": "export const match = () => true;\n" },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: [],
    },
  ],
  [
    "require of an ES module gives no function",
    {
      from: { "index.js": FUNCTION },
      to: { "package.json": { type: "module" }, "index.js": "export default (text) => text;\n" },
      file: "a.cjs",
      text: 'require("provider")("x");\n',
      expected: ["yes js.shape_changed:provider"],
    },
  ],
  [
    "an ES module can say what require gets",
    {
      from: { "index.js": FUNCTION },
      to: {
        "package.json": { type: "module" },
        "index.js": 'const f = (text) => text;\nexport { f as default, f as "module.exports" };\n',
      },
      file: "a.cjs",
      text: 'require("provider")("x");\n',
      expected: [],
    },
  ],
  [
    "require of an ES module that waits throws",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: {
        "package.json": { type: "module" },
        "index.js": 'export * from "./inner.js";\n',
        "inner.js": "await 1;\nexport const match = () => true;\n",
      },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: ["yes pkg.esm_only:provider"],
    },
  ],
  [
    "await import() loads an ES module from CommonJS",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: { "package.json": { type: "module" }, "index.js": "export const match = () => true;\n" },
      file: "a.cjs",
      text: '(async () => { const { match } = await import("provider"); match(); })();\n',
      expected: [],
    },
  ],
  [
    "require does not find what only import is given",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: {
        "package.json": { exports: { import: "./index.mjs" } },
        "index.mjs": "export const match = () => true;\n",
      },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: ["yes pkg.esm_only:provider"],
    },
  ],
  [
    "a function that becomes an object with `default` cannot be called",
    {
      from: { "index.js": FUNCTION },
      to: { "index.js": "exports.default = function (text) { return text; };\n" },
      file: "a.cjs",
      text: 'const p = require("provider");\nconsole.log(p("x"));\n',
      expected: ["yes js.shape_changed:provider"],
    },
  ],
  [
    "to an ES module as well, whose default import is module.exports",
    {
      from: { "index.js": FUNCTION },
      to: {
        "index.js":
          'Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = (text) => text;\n',
      },
      file: "a.mjs",
      text: 'import p from "provider";\nconsole.log(p("x"));\n',
      expected: ["yes js.shape_changed:provider"],
    },
  ],
  [
    "a function that keeps itself as `default` can",
    {
      from: { "index.js": FUNCTION },
      to: {
        "index.js":
          "function f(text) { return text; }\nmodule.exports = f;\nmodule.exports.default = f;\n",
      },
      file: "a.cjs",
      text: 'const p = require("provider");\nconsole.log(p("x"));\n',
      expected: [],
    },
  ],
  [
    "a function that moves to another file stays one",
    {
      from: { "index.js": FUNCTION },
      to: { "index.js": 'module.exports = require("./lib/f");\n', "lib/f.js": FUNCTION },
      file: "a.cjs",
      text: 'const p = require("provider");\nconsole.log(p("x"));\n',
      expected: [],
    },
  ],
  [
    "a class that becomes an object of classes cannot be constructed",
    {
      from: { "index.js": "class Cache {}\nmodule.exports = Cache;\n" },
      to: { "index.js": "class Cache {}\nmodule.exports = { Cache };\n" },
      file: "a.cjs",
      text: 'const Cache = require("provider");\nnew Cache();\n',
      expected: ["yes js.shape_changed:provider"],
    },
  ],
  [
    "a name that the lexer of Node does not see is no name to import",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: { "index.js": "const all = { match: () => true };\nmodule.exports = all;\n" },
      file: "a.mjs",
      text: 'import { match } from "provider";\nmatch();\n',
      expected: ["yes js.export_removed:match"],
    },
  ],
  [
    "the same name is a property for require",
    {
      from: { "index.js": "exports.match = () => true;\n" },
      to: { "index.js": "const all = { match: () => true };\nmodule.exports = all;\n" },
      file: "a.cjs",
      text: 'const { match } = require("provider");\nmatch();\n',
      expected: [],
    },
  ],
  [
    "an ES module without the default export does not link",
    {
      from: {
        "package.json": { type: "module" },
        "index.js": "export default 1;\nexport const a = 1;\n",
      },
      to: { "package.json": { type: "module" }, "index.js": "export const a = 1;\n" },
      file: "a.mjs",
      text: 'import p, { a } from "provider";\nconsole.log(p, a);\n',
      expected: ["yes js.export_removed:default"],
    },
  ],
  [
    "a first map closes a file that is loaded",
    {
      from: { "index.js": "", "lib/inner.js": "exports.a = 1;\n" },
      to: {
        "package.json": { exports: "./index.js" },
        "index.js": "",
        "lib/inner.js": "exports.a = 1;\n",
      },
      file: "a.cjs",
      text: 'require("provider/lib/inner");\n',
      expected: ["yes pkg.exports_removed:./lib/inner"],
    },
  ],
];

test.for(CASES)("%s", async ([, { from, to, file, text, expected }], { makeUpgrade }) => {
  const request = await makeUpgrade({ from, to, consumer: { [file]: text } });

  expect(breaksOf(request, THIS_NODE)).toEqual(expected);
  expect(runs(request, "fromPath", file)).toBe(true);
  expect(runs(request, "toPath", file)).toBe(!expected.some((one) => one.startsWith("yes")));
});

test.for([
  [">=18", "yes"],
  [">=20.19.0", "yes"],
  ["^20.19.0 || >=22.12.0", "no"],
  ["^20.19.0 || ^22.12.0 || >=24", "no"],
  [null, "maybe"],
] as const)(
  "require of an ES module by a consumer of Node %s breaks: %s",
  async ([node, breaking], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.js": "exports.match = 1;\n" },
      to: { "package.json": { type: "module" }, "index.js": "export const match = 1;\n" },
      consumer: { "a.cjs": 'const { match } = require("provider");\nconsole.log(match);\n' },
    });

    expect(breaksOf(request, node)).toEqual(
      breaking === "no" ? [] : [`${breaking} pkg.esm_only:provider`],
    );
  },
);

test("exports that are worked out are unknown, and said to be", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": FUNCTION },
    to: { "index.js": "module.exports = modules[0]();\n" },
    consumer: { "a.cjs": 'require("provider")("x");\n' },
  });

  expect(breaksOf(request, THIS_NODE)).toEqual(["no js.shape_changed:provider"]);
});

const BUNDLED = [
  ["a factory that returns", "module.exports = factory();", "() => (text) => text"],
  [
    "a factory with a name of its own inside",
    "module.exports = factory();",
    "function match() { function match(text) { return text; } return match; }",
  ],
  [
    "a factory that is given exports",
    "factory(exports); module.exports = exports.default;",
    "function (out) { out.default = match; function match(text) { return text; } }",
  ],
] as const;

test.for(BUNDLED)("%s is followed to what it exports", async ([, run, made], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": FUNCTION },
    to: { "index.js": `(function (root, factory) { ${run} })(this, ${made});\n` },
    consumer: { "a.cjs": 'require("provider")("x");\n' },
  });

  expect(breaksOf(request, THIS_NODE)).toEqual([]);
});

test.for([
  ["a function that another file makes", "module.exports = require('./make')(exports);", "f"],
  ["what a compiler wrote", "exports.default = f; module.exports = exports.default;", "f"],
  [
    "a default import that a compiler wrote",
    "var made = _interopRequireDefault(require('./make')); module.exports = made.default;",
    "f",
  ],
] as const)("%s is a function", async ([, code], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": "function f() {}\nmodule.exports = f;\n" },
    to: {
      "index.js": `function f() {}\n${code}\nmodule.exports.default = exports.default;\n`,
      "make.js": "module.exports = make;\nfunction make() { return made; function made() {} }\n",
    },
    consumer: { "a.cjs": 'require("provider")("x");\n' },
  });

  expect(breaksOf(request, THIS_NODE)).toEqual([]);
});

test("a changed call is told by the consumer's own name for it", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": FUNCTION },
    to: { "index.js": "exports.match = (text) => text;\n" },
    consumer: { "a.cjs": 'const Match = require("provider");\nnew Match();\n' },
  });

  expect(found(request, THIS_NODE)[0]?.finding.own).toBe("Match");
});

test("an import of types alone loads nothing", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": "exports.match = 1;\n" },
    to: { "package.json": { type: "module" }, "index.js": "export const other = 1;\n" },
    consumer: {
      "a.cts": 'import type { A } from "provider";\nimport { B } from "provider";\nlet x: A | B;\n',
      "b.cts": 'let x: import("provider").A;\nexport type { B } from "provider";\n',
    },
  });

  expect(breaksOf(request, ">=18")).toEqual([]);
});
