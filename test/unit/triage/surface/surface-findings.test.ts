import { expect } from "vitest";
import { sourcesOf } from "../../../../src/triage/compiler/compiler-host.ts";
import type { AnalysisRequest } from "../../../../src/triage/facts/analysis.ts";
import { locatePackages } from "../../../../src/triage/sources/npm/installed.ts";
import { surfaceFindings } from "../../../../src/triage/surface/surface-findings.ts";
import { test } from "../../../support/packages.ts";

/** Declarations before and after, and what they should amount to. */
type Case = readonly [title: string, before: string, after: string, expected: readonly string[]];

const CASES: readonly Case[] = [
  [
    "an export that is gone breaks",
    "export type A = string; export function f(): A;",
    "export function f(): string;",
    ["yes ts.export_removed:A"],
  ],
  [
    "an export that is new does not break",
    "export function f(): void;",
    "export function f(): void; export function g(): void;",
    ["no ts.added:g"],
  ],
  [
    "a renamed parameter is no change",
    "export default function f(attemptCount: number): void;",
    "export default function f(attemptNumber: number): void;",
    [],
  ],
  [
    "a narrowed parameter breaks",
    "export function f(value: string | number): void;",
    "export function f(value: string): void;",
    ["yes ts.signature:f"],
  ],
  [
    "a widened parameter does not break",
    "export function f(value: string): void;",
    "export function f(value: string | number): void;",
    [],
  ],
  [
    "a widened result breaks",
    "export function f(): string;",
    "export function f(): string | undefined;",
    ["yes ts.signature:f"],
  ],
  [
    "a narrowed result does not break",
    "export function f(): string | undefined;",
    "export function f(): string;",
    [],
  ],
  [
    "a required option breaks, an optional one does not",
    "export interface Options { a?: string } export function f(options: Options): void;",
    "export interface Options { a?: string; b?: string; c: string }" +
      " export function f(options: Options): void;",
    ["no ts.optional_added:Options.b", "yes ts.signature:Options.c"],
  ],
  [
    "an option that becomes required breaks",
    "export interface Options { a?: string } export function f(options: Options): void;",
    "export interface Options { a: string } export function f(options: Options): void;",
    ["yes ts.signature:Options.a"],
  ],
  [
    "a new member of a result does not break",
    "export interface Result { a: string } export function f(): Result;",
    "export interface Result { a: string; b: string } export function f(): Result;",
    ["no ts.added:Result.b"],
  ],
  [
    "a new required member of a type that goes both ways may break",
    "export interface Both { a: string } export function f(both: Both): Both;",
    "export interface Both { a: string; b: string } export function f(both: Both): Both;",
    ["maybe ts.signature:Both.b"],
  ],
  [
    "a member that is gone breaks, and the function that takes the type is not told again",
    "export type O = { a?: string; b?: string }; export function f(o?: O): void;",
    "export type O = { a?: string }; export function f(o?: O): void;",
    ["yes ts.member_removed:O.b"],
  ],
  [
    "a callback that is given other arguments breaks",
    "export type O = { on?: (error: Error) => void }; export function f(o?: O): void;",
    "export type O = { on?: (context: { error: Error }) => void }; export function f(o?: O): void;",
    ["yes ts.signature:O.on"],
  ],
  [
    "members of one constituent of a union are members",
    "export type O = { on?: string } & ({ retries?: number } | number[]);" +
      " export function f(o: O): void;",
    "export type O = { on?: string; retries?: number }; export function f(o: O): void;",
    [],
  ],
  [
    "a changed type that is not exported is told at the export that uses it",
    "export {}; type Hidden = { a: string }; export function f(): Hidden;",
    "export {}; type Hidden = { b: string }; export function f(): Hidden;",
    ["yes ts.signature:f"],
  ],
  [
    "private members do not make a class another one",
    "export declare class C { #a: string; private b: number; get(): string }",
    "export declare class C { #a: number; private b: string; get(): string; more?(): void }",
    ["no ts.optional_added:C.more"],
  ],
  [
    "a new method of a class does not break those who pass its instances on",
    "export declare class C { get(): string } export function f(c: C): void;",
    "export declare class C { get(): string; set(): void } export function f(c: C): void;",
    ["no ts.added:C.set"],
  ],
  [
    "a method of a class that is gone breaks",
    "export declare class C { get(): string; set(value: string): void }",
    "export declare class C { get(): string }",
    ["yes ts.member_removed:C.set"],
  ],
  [
    "a constructor that wants more breaks",
    "export declare class C { constructor(); get(): string }",
    "export declare class C { constructor(name: string); get(): string }",
    ["yes ts.signature:C"],
  ],
  [
    "generic types are compared with their arguments in place",
    "export interface Box<T> { value: T; old: T } export function box<T>(value: T): Box<T>;",
    "export interface Box<T> { value: T } export function box<T>(value: T): Box<T>;",
    ["yes ts.member_removed:Box.old"],
  ],
  [
    "a type parameter more, without a default, breaks",
    "export interface Box<T> { value: T }",
    "export interface Box<T, U> { value: T; other?: U }",
    ["yes ts.signature:Box"],
  ],
  [
    "members of a namespace are exports",
    "export namespace N { function f(): void; function g(): void }",
    "export namespace N { function f(): void }",
    ["yes ts.export_removed:N.g"],
  ],
  [
    "the target of `export =` is the default export",
    "declare function f(a: string | number): void; export = f;",
    "declare function f(a: string): void; export = f;",
    ["yes ts.signature:default"],
  ],
  [
    "a member of an enum that is gone breaks",
    "export enum E { A = 0, B = 1 }",
    "export enum E { A = 0 }",
    ["yes ts.member_removed:E.B"],
  ],
];

function findingsOf(request: AnalysisRequest, depth: AnalysisRequest["depth"] = "types") {
  const pair = locatePackages(request);
  const sources = sourcesOf(request, request.consumer.path, pair);
  return surfaceFindings(pair, ["."], { sources, depth, isUsed: () => false });
}

/** The first one parses the standard library, which takes seconds where others compute as well. */
const SLOW = { timeout: 60_000 };

test.for(CASES)("%s", SLOW, async ([, before, after, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": before },
    to: { "index.d.ts": after },
  });

  const { found, degraded } = findingsOf(request);

  expect(found.map(({ finding }) => `${finding.breaking} ${finding.id}`).toSorted()).toEqual(
    expected,
  );
  expect(degraded).toEqual([]);
});

test("the type that took the place of a removed one is named", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export type Old = Error; export type O = { on?: (e: Old) => void };" },
    to: {
      "index.d.ts":
        "export type New = { error: Error }; export type O = { on?: (c: New) => void };",
    },
  });

  const { found } = findingsOf(request);

  const removed = found.find(({ finding }) => finding.rule === "ts.export_removed");
  expect(removed?.finding).toMatchObject({ subject: "Old", replacement: "New", after: null });
  expect(removed?.finding.provider).toEqual({ path: "index.d.ts", line: 1 });
});

test("by names alone a changed type is not seen and a removed export is", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export function f(a?: string): void; export function g(): void;" },
    to: { "index.d.ts": "export function f(a: string): void;" },
  });

  const { found } = findingsOf(request, "names");

  expect(found.map(({ finding }) => finding.id)).toEqual(["ts.export_removed:g"]);
});

test("an import of the declarations that leads nowhere is told", async ({ makeUpgrade }) => {
  const declarations = 'import type { X } from "absent"; export function f(): X;';
  const request = await makeUpgrade({
    from: { "index.d.ts": declarations },
    to: { "index.d.ts": declarations },
  });

  const { degraded } = findingsOf(request);

  expect(degraded).toEqual([
    'provider@1.0.0: types of "absent" not found',
    'provider@1.1.0: types of "absent" not found',
  ]);
});

test("a package without declarations is compared by the names its JavaScript exports", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({
    from: { "index.js": "exports.kept = () => {};\nexports.gone = () => {};\n" },
    to: { "index.js": "exports.kept = () => {};\n" },
  });

  const { found, degraded, typed } = findingsOf(request);

  expect(found.map(({ finding }) => [finding.id, finding.provider])).toEqual([
    ["js.export_removed:gone", { path: "index.js", line: 2 }],
  ]);
  expect(degraded).toEqual(["provider@1.0.0: no type declarations"]);
  expect(typed).toBe(false);
});

test("members of `module.exports = {…}` are names as well", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": "module.exports = { kept() {}, gone: 1 };\n" },
    to: { "index.js": "module.exports = { kept() {} };\n" },
  });

  const { found } = findingsOf(request);

  expect(found.map(({ finding }) => finding.id)).toEqual(["js.export_removed:gone"]);
});

test("a package that loses its declarations breaks", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": "exports.f = 1;", "index.d.ts": "export const f: number;" },
    to: { "index.js": "exports.f = 1;" },
  });

  const { found } = findingsOf(request);

  expect(found.map(({ finding }) => finding.id)).toEqual(["pkg.types_removed:."]);
});
