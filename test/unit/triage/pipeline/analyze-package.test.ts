import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { verdictOn } from "../../../../src/triage/verdict/judge.ts";
import { breakingHits, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

const GET_1 =
  "export interface Options { retries?: number }\nexport function get(o?: Options): string;";
const GET_2 =
  "export interface Options { retries?: number; limit?: number }\nexport function get(o?: Options): string;\nexport function put(): void;";

test("an upgrade that only adds breaks nothing", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": GET_1 },
    to: { "index.d.ts": GET_2 },
    consumer: { "src/a.ts": 'import { get } from "provider";\nget({ retries: 2 });\n' },
  });

  const analysis = analyzePackage(request, quiet);

  expect(breakingHits(analysis)).toEqual([]);
  expect(analysis).toMatchObject({
    diagnostics: [],
    usage: "confirmed",
    degraded: [],
    capsHit: [],
  });
  expect(verdictOn(analysis, {})).toMatchObject({ requiresAction: false, confidence: 0.9 });
});

test("a breaking change that is not used needs no action", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export function get(): string; export function gone(): void;" },
    to: { "index.d.ts": "export function get(): string;" },
    consumer: { "src/a.ts": 'import { get } from "provider";\nget();\n' },
  });

  const analysis = analyzePackage(request, quiet);

  expect(breakingHits(analysis)).toEqual(["ts.export_removed:gone none"]);
  expect(verdictOn(analysis, {})).toMatchObject({ requiresAction: false, confidence: 0.85 });
});

test(
  "a member is found where it is read, written and taken apart",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: {
        "index.d.ts":
          "export interface Info { left: number; kept: number }\n" +
          "export interface Options { on?: (info: Info) => void; old?: boolean }\n" +
          "export function run(options: Options): Info;",
      },
      to: {
        "index.d.ts":
          "export interface Info { kept: number }\n" +
          "export interface Options { on?: (info: Info) => void }\n" +
          "export function run(options: Options): Info;",
      },
      consumer: {
        "src/a.ts": [
          'import { run } from "provider";',
          "const options = { on: ({ left }: { left: number }) => left };",
          "const info = run({",
          "  old: true,",
          "  on: ({ left }) => console.log(left),",
          "});",
          "console.log(info.left, info.kept, options);",
        ].join("\n"),
      },
    });

    const analysis = analyzePackage(request, quiet);

    expect(breakingHits(analysis)).toEqual([
      "ts.member_removed:Options.old confirmed src/a.ts:4",
      "ts.member_removed:Info.left confirmed src/a.ts:5 src/a.ts:7",
    ]);
    expect(analysis.diagnostics.map(({ line, code }) => `${line} ${code}`)).toEqual([
      "4 TS2353",
      "5 TS2339",
      "7 TS2339",
    ]);
  },
);

test("an error that was there before is not reported", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export function get(): string | number;" },
    to: { "index.d.ts": "export function get(): string | boolean;" },
    consumer: {
      "src/a.ts":
        'import { get } from "provider";\nexport const a: string = get();\n' +
        'export const b: string | number = get();\nconst old: number = "text";\n',
    },
  });

  const analysis = analyzePackage(request, quiet);

  expect(analysis.diagnostics).toEqual([
    expect.objectContaining({ path: "src/a.ts", line: 3, code: "TS2322" }),
  ]);
});

test(
  "an error of the compiler that no finding explains is a finding",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": 'export type Mode = "a" | "b"; export function run(m: Mode): void;' },
      to: { "index.d.ts": 'export type Mode = "a"; export function run(m: Mode): void;' },
      consumer: { "src/a.ts": 'import { run } from "provider";\nrun("b");\n' },
    });

    const analysis = analyzePackage(request, quiet);

    expect(breakingHits(analysis)).toEqual([
      "ts.error:run confirmed src/a.ts:2",
      "ts.signature:Mode none",
    ]);
    expect(verdictOn(analysis, {})).toMatchObject({ requiresAction: true, confidence: 0.97 });
  },
);

test("a step to ES modules breaks a consumer in CommonJS", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export function get(): string;", "index.js": "" },
    to: {
      "package.json": { type: "module", exports: { types: "./index.d.ts", default: "./index.js" } },
      "index.d.ts": "export function get(): string;",
      "index.js": "",
    },
    consumer: {
      "package.json": { engines: { node: ">=18" } },
      "src/a.js": 'const { get } = require("provider");\nget();\n',
    },
  });

  const analysis = analyzePackage(request, quiet);

  expect(breakingHits(analysis)).toEqual([
    "pkg.esm_only:provider confirmed src/a.js:1",
    "pkg.exports_removed:./* none",
  ]);
  expect(verdictOn(analysis, {})).toMatchObject({ requiresAction: true, urgency: "critical" });
});

test.for([
  ["may break a consumer of no known format", {}, "maybe", "confirmed"],
  ["does not break a consumer that is one already", { type: "module" }, "yes", "none"],
] as const)(
  "a step to ES modules %s",
  SLOW,
  async ([, manifest, breaking, usage], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": "export function get(): string;", "index.js": "" },
      to: {
        "package.json": { type: "module" },
        "index.d.ts": "export function get(): string;",
        "index.js": "",
      },
      consumer: {
        "package.json": manifest,
        "src/a.ts": 'import { get } from "provider";\nget();\n',
      },
    });

    const { hits } = analyzePackage(request, quiet);

    const esm = hits.find(({ finding }) => finding.rule === "pkg.esm_only");
    expect(esm).toMatchObject({ finding: { breaking }, usage });
  },
);

test(
  "a consumer of a package without types is judged by names, less surely",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.js": "exports.kept = 1;\nexports.gone = 2;\n" },
      to: { "index.js": "exports.kept = 1;\n" },
      consumer: { "a.cjs": 'const p = require("provider");\n\nconsole.log(p.gone);\n' },
    });

    const analysis = analyzePackage(request, quiet);

    expect(breakingHits(analysis)).toEqual(["js.export_removed:gone confirmed a.cjs:3"]);
    expect(analysis.degraded).toEqual(["provider@1.0.0: no type declarations"]);
    expect(verdictOn(analysis, {})).toMatchObject({ requiresAction: true, confidence: 0.81 });
  },
);

test(
  "a re-exported name counts as used, and a re-exported module as likely",
  SLOW,
  async ({ makeUpgrade }) => {
    const versions = {
      from: { "index.d.ts": "export type A = string; export type B = string;" },
      to: { "index.d.ts": "export type B = string;" },
    };
    const byName = { "src/a.ts": 'export type { A } from "provider";\n' };
    const whole = { "src/a.ts": 'export * from "provider";\n' };

    const named = analyzePackage(await makeUpgrade({ ...versions, consumer: byName }), quiet);
    const starred = analyzePackage(await makeUpgrade({ ...versions, consumer: whole }), quiet);

    expect(breakingHits(named)).toEqual(["ts.export_removed:A confirmed src/a.ts:1"]);
    expect(breakingHits(starred)).toEqual(["ts.export_removed:A likely"]);
  },
);

test(
  "an import that the old version does not answer makes the analysis less sure",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: {
        "package.json": { exports: { ".": "./index.js" } },
        "index.d.ts": GET_1,
        "index.js": "",
      },
      to: {
        "package.json": { exports: { ".": "./index.js" } },
        "index.d.ts": GET_1,
        "index.js": "",
      },
      consumer: { "a.ts": 'import { x } from "provider/absent";\nx();\n' },
    });

    expect(analyzePackage(request, quiet).degraded).toEqual([
      'a.ts: "provider/absent" does not resolve in provider@1.0.0',
    ]);
  },
);
