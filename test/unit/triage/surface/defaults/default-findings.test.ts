import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { declaredIn } from "../../../../../src/triage/compiler/declarations.ts";
import type { AnalysisRequest } from "../../../../../src/triage/facts/analysis.ts";
import { LIMITS } from "../../../../../src/triage/facts/limits.ts";
import { analyzePackage } from "../../../../../src/triage/pipeline/analyze-package.ts";
import { locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import { defaultFindings } from "../../../../../src/triage/surface/defaults/default-findings.ts";
import { verdictOn } from "../../../../../src/triage/verdict/judge.ts";
import { breakingHits, type Files, test } from "../../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

function changed(request: AnalysisRequest, subpaths = ["."]): string[] {
  const { found } = defaultFindings(locatePackages(request), subpaths, declaredIn(new Map()));
  return found.map(
    ({ finding: { subject, before, after } }) => `${subject}: ${before} -> ${after}`,
  );
}

test.for<[title: string, before: string, after: string, expected: string[]]>([
  [
    "a field of a class",
    "export class A { on = true; #size = 1; static of = 1; }",
    "export class A { on = false; #size = 2; static of = 2; }",
    ["A.on: true -> false", "A.#size: 1 -> 2"],
  ],
  [
    "what a constructor sets",
    "export class A { constructor() { this.on = true; if (x) { this.off = true; } } }",
    "export class A { constructor() { this.on = false; if (x) { this.off = false; } } }",
    ["A.on: true -> false"],
  ],
  [
    "what a class of the package inherits from another one",
    "class Base { mode = 'a'; } export class A extends Base {}",
    'class Base { mode = "b"; } export class A extends Base {}',
    ['A.mode: "a" -> "b"'],
  ],
  [
    "a parameter of a function",
    "export function f(a, limit = 10, on = !0) {}",
    "export function f(a, limit = -1, on = true) {}",
    ["f(limit): 10 -> -1"],
  ],
  [
    "a parameter of a method and of a constructor",
    "export class A { constructor(x = null) {} run(y = 1) {} }",
    "export class A { constructor(x = 0) {} run(y = 2) {} }",
    ["A(x): null -> 0", "A.run(y): 1 -> 2"],
  ],
  [
    "an option that is destructured in the head or in the body",
    "export const f = ({ a = 1, in: { b = 2 } }) => {}; export function g(o) { const { c: x = 3 } = o; }",
    "export const f = ({ a = 4, in: { b = 5 } }) => {}; export function g(o) { const { c: y = 6 } = o; }",
    ["f({ a }): 1 -> 4", "f({ b }): 2 -> 5", "g({ c }): 3 -> 6"],
  ],
  [
    "nothing where one of the two is no constant, or has none",
    "export function f(a = 1, b = now(), c = 1, d) {}",
    "export function f(a = now(), b = 1, c, d = 1) {}",
    [],
  ],
  [
    "nothing where it is written otherwise",
    "export function f(a = 'x', b = !1) {}",
    'export function f(a = "x", b = false) {}',
    [],
  ],
  ["nothing of what is not exported", "class A { on = true; }", "class A { on = false; }", []],
  [
    "nothing of a version",
    "export class A { VERSION = 1; of = '1.0.0'; }",
    "export class A { VERSION = 2; of = '1.1.0'; }",
    [],
  ],
])("a changed default is found: %s", async ([, before, after, expected], { makeUpgrade }) => {
  const type = { "package.json": { type: "module" } };
  const request = await makeUpgrade({
    from: { ...type, "index.js": before },
    to: { ...type, "index.js": after },
  });

  expect(changed(request)).toEqual(expected);
});

const inner = (on: boolean): Files => ({
  "lib/a.js": `class A { constructor() { this.on = ${on}; } }\nexports.A = A;\n`,
});

test.for<[title: string, files: Files, subject: string]>([
  [
    "CommonJS that takes it apart, and instances of it",
    {
      "index.js":
        "const { A } = require('./lib/a');\nexports.a = new A();\nexports.b = exports.A = A;\n",
    },
    "A.on",
  ],
  [
    "the module as a whole",
    { "index.js": "module.exports = require('./lib/a.js').A;" },
    "default.on",
  ],
  [
    "an object as a whole",
    { "index.js": "const { A } = require('./lib/a');\nmodule.exports = { B: A };" },
    "B.on",
  ],
  [
    "a wrapper that is an ES module",
    {
      "package.json": { exports: { import: "./index.mjs", require: "./index.js" } },
      "index.mjs": "import all from './index.js';\nexport const { A } = all;",
      "index.js": "exports.A = require('./lib/a').A;",
    },
    "A.on",
  ],
  [
    "re-exports of ES modules",
    {
      "package.json": { main: "index.mjs" },
      "index.mjs": "export * from './more.mjs';",
      "more.mjs": "import { A as B } from './lib/a.js';\nexport { B as C };",
    },
    "C.on",
  ],
  [
    "re-exports that a compiler wrote",
    {
      "index.js": [
        "var a_1 = __importDefault(require('./lib/a'));",
        "exports.D = void 0;",
        'Object.defineProperty(exports, "D", { enumerable: true, get: function () { return a_1.A; } });',
      ].join("\n"),
    },
    "D.on",
  ],
  [
    "all re-exports that a compiler wrote",
    { "index.js": "__exportStar(require('./lib/a'), exports);" },
    "A.on",
  ],
])("an export is followed through %s", async ([, files, subject], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { ...files, ...inner(true) },
    to: { ...files, ...inner(false) },
  });

  expect(changed(request)).toEqual([`${subject}: true -> false`]);
});

const STARS = ["./lib/a.js", "./more.mjs"];

test.for([
  ["is none, where each has its own", STARS, "export class A { on(x = 1) {} }", []],
  ["is one, where both lead to it", STARS, "export { A } from './lib/a.js';", ["A.on"]],
] as const)(
  "a name of two modules that are exported as a whole %s",
  async ([, stars, more, expected], { makeUpgrade }) => {
    const files = {
      "package.json": { main: "index.mjs" },
      "index.mjs": stars.map((path) => `export * from '${path}';`).join("\n"),
      "more.mjs": more,
    };
    const request = await makeUpgrade({
      from: { ...files, ...inner(true) },
      to: { ...files, ...inner(false) },
    });

    expect(changed(request)).toEqual(expected.map((subject) => `${subject}: true -> false`));
  },
);

test("of two `export *` that a compiler wrote for CommonJS, the first gives a name", async ({
  makeUpgrade,
}) => {
  const files = {
    "index.js":
      "__exportStar(require('./lib/a'), exports);\n__exportStar(require('./b'), exports);",
    "b.js": "exports.A = class { on(x = 1) {} };",
  };
  const request = await makeUpgrade({
    from: { ...files, ...inner(true) },
    to: { ...files, ...inner(false) },
  });

  expect(changed(request)).toEqual(["A.on: true -> false"]);
});

test("modules that lead to each other in a circle end", async ({ makeUpgrade }) => {
  const files = {
    "index.js": "module.exports = require('./b.js');",
    "b.js": "module.exports = require('./index.js');",
  };
  const request = await makeUpgrade({ from: files, to: files });

  expect(changed(request)).toEqual([]);
});

test("a link out of the package is not followed", async ({ makeUpgrade, folder }) => {
  const index = { "index.js": "exports.f = require('./out.js').f;" };
  const request = await makeUpgrade({
    from: index,
    to: { ...index, "out.js": "exports.f = (a = 2) => {};" },
  });
  await writeFile(join(folder, "outside.js"), "exports.f = (a = 1) => {};");
  await symlink(join(folder, "outside.js"), join(folder, "from/out.js"));

  expect(changed(request)).toEqual([]);
});

test("a file above the limit is left out and named", async ({ makeUpgrade }) => {
  const long = `// ${"x".repeat(100)}\n`.repeat(LIMITS.fileBytesMax / 100);
  const request = await makeUpgrade({
    from: { "index.js": `exports.f = (a = 1) => {};\n${long}` },
    to: { "index.js": "exports.f = (a = 2) => {};" },
  });

  const result = defaultFindings(locatePackages(request), ["."], declaredIn(new Map()));

  expect(result).toEqual({ found: [], capsHit: ["default_files"] });
});

const TYPES =
  "export class Tool { add(name: string): this; run(times?: number): void; get size(): number }\n" +
  "export const tool: Tool;\nexport function make(): Tool;\nexport function other(): void;\n";
const tool = (on: boolean, times: number): Files => ({
  "index.d.ts": TYPES,
  "index.js": [
    "class Tool {",
    `  constructor() { this.strict = ${on}; }`,
    "  add(name) { return this; }",
    `  run(times = ${times}) {}`,
    `  hidden(x = ${times}) {}`,
    "}",
    "exports.Tool = Tool;",
    "exports.tool = new Tool();",
    "exports.make = () => new Tool();",
    "exports.other = () => {};",
  ].join("\n"),
});

test.for<[title: string, code: string, strict: string, run: string]>([
  [
    "an instance",
    'import { tool } from "provider";\ntool.add("x");\n',
    "confirmed src/a.ts:1 src/a.ts:2",
    "none",
  ],
  [
    "a class of its own",
    'import { Tool } from "provider";\nclass Own extends Tool {}\n',
    "confirmed src/a.ts:1 src/a.ts:2",
    "none",
  ],
  [
    "an instance that a function gives",
    'import { make } from "provider";\nmake().add("x");\n',
    "confirmed src/a.ts:2",
    "none",
  ],
  [
    "the method",
    'import { tool } from "provider";\ntool.run();\n',
    "confirmed src/a.ts:1 src/a.ts:2",
    "confirmed src/a.ts:2",
  ],
  ["something else", 'import { other } from "provider";\nother();\n', "none", "none"],
])(
  "behind types that stayed, who uses %s is told what meets it",
  SLOW,
  async ([, code, strict, run], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: tool(true, 1),
      to: tool(false, 2),
      consumer: { "src/a.ts": code },
    });

    const analysis = analyzePackage(request, quiet);

    expect(breakingHits(analysis).toSorted()).toEqual([
      `js.default_changed:Tool.run(times) ${run}`,
      `js.default_changed:Tool.strict ${strict}`,
    ]);
    expect(verdictOn(analysis, {})).toMatchObject(
      strict === "none"
        ? { requiresAction: false, confidence: 0.85 }
        : { requiresAction: true, confidence: 0.65 },
    );
  },
);
