import { expect } from "vitest";
import { sourcesOf } from "../../../../src/triage/compiler/compiler-host.ts";
import type { AnalysisRequest } from "../../../../src/triage/facts/analysis.ts";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { locatePackages } from "../../../../src/triage/sources/npm/installed.ts";
import { surfaceFindings } from "../../../../src/triage/surface/surface-findings.ts";
import { test } from "../../../support/packages.ts";

/** Chains of calls, as lodash has them: each gives a chain of a type made of the last one's. */
function chains(name: string, given: string): string {
  const calls = Array.from(
    { length: 60 },
    (_, at) =>
      `call${at}<R>(each: (value: T, all: ${name}<T[]>) => R, ${given}): ${name}<[R, T, ${at}]>;`,
  );
  return `interface ${name}<T> { value(): T; ${calls.join("\n")} }\n`;
}

/** So many exports that take too much to compare, between others that do not. */
function surface(given: string, taken: string, count: number): string {
  const names = Array.from({ length: count }, (_, at) => `Chain${at}`);
  return [
    `export declare const first: (value: ${taken}) => void;`,
    ...names.map(
      (name) => `${chains(name, given)}export declare const the${name}: () => ${name}<1>;`,
    ),
    `export declare const last: (value: ${taken}) => void;`,
    `export declare const used: (value: ${taken}) => void;`,
    "export {};",
  ].join("\n");
}

function upgradeWith(count: number) {
  const [before, after] = [
    surface("at?: number", "string | number", count),
    surface("at?: string | number", "string", count),
  ];
  return { before, files: { from: { "index.d.ts": before }, to: { "index.d.ts": after } } };
}

/** Findings, and the limits that were met, of a consumer that uses what ends there in its file. */
function compare(request: AnalysisRequest, usedEnd: number | null = null) {
  const pair = locatePackages(request);
  const sources = sourcesOf(request, request.consumer.path, pair);
  const isUsed = (key: string): boolean => key.endsWith(`:${usedEnd}`);
  const settings = { sources, depth: "types", isUsed } as const;
  const { found, capsHit } = surfaceFindings(pair, ["."], settings);
  return { found: found.map(({ finding }) => finding.id), capsHit };
}

const SLOW = { timeout: 120_000 };

test("a comparison that takes too much costs itself alone", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade(upgradeWith(1).files);

  expect(compare(request)).toEqual({
    found: ["ts.signature:first", "ts.signature:last", "ts.signature:used"],
    capsHit: ["surface_types"],
  });
});

test("used exports are compared before the budget ends", SLOW, async ({ makeUpgrade }) => {
  const { before, files } = upgradeWith(LIMITS.typeCutsMax);
  const used = "used: (value: string | number) => void";
  const request = await makeUpgrade(files);

  expect(compare(request, before.indexOf(used) + used.length)).toEqual({
    found: ["ts.signature:first", "ts.signature:used"],
    capsHit: ["surface_types"],
  });
});

test("the same comes of it each time", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade(upgradeWith(1).files);

  expect(compare(request)).toEqual(compare(request));
});
