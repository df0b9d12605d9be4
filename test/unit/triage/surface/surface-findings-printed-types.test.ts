import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { verdictOn } from "../../../../src/triage/verdict/judge.ts";
import { breakingHits, test } from "../../../support/packages.ts";

/** Declarations before and after, a use, and what is told of it. */
type Case = readonly [
  title: string,
  before: string,
  after: string,
  text: string,
  expected: readonly string[],
  requiresAction: boolean,
];

const INNER = (member: string) => `export declare class Failure { ${member}: string[] }\n`;
const USE = 'import { run } from "provider";\n';

/** An enum of such members, which the package gives out. */
const LEVEL = (members: string) =>
  `export enum Level { ${members} } export interface Row { level: Level }\n` +
  "export function run(l?: Level): Row;";
const MOVED = [LEVEL("Low = 0, High = 1"), LEVEL("Low = 0, Mid = 1, High = 2")] as const;

const CASES: readonly Case[] = [
  [
    "a type parameter with a default that was added is no break",
    "export interface Box<T> { value: T } export function run<T>(value: T): Box<T>;",
    "export interface Box<T, M = string> { value: T; meta?: M } export function run<T>(value: T): Box<T>;",
    `${USE}export const box = run(1);\nconsole.log(box.value);\n`,
    [],
    false,
  ],
  [
    "an option that takes more is no break for who gives what it took",
    "export interface Options { cwd?: string } export function run(o?: Options): Options;",
    "export interface Options { cwd?: string | URL } export function run(o?: Options): Options;",
    `${USE}run({ cwd: "x" });\n`,
    ["yes ts.signature:Options.cwd none"],
    false,
  ],
  [
    "the same option may break who reads it",
    "export interface Options { cwd?: string } export function run(o?: Options): Options;",
    "export interface Options { cwd?: string | URL } export function run(o?: Options): Options;",
    `${USE}console.log(run().cwd);\n`,
    ["maybe ts.signature:Options.cwd confirmed a.ts:2"],
    true,
  ],
  [
    "an export that is deprecated and works is no break",
    "export declare class S { email(message?: string): S }\nexport function run(): S;",
    "export declare class S { /** @deprecated */ email(params?: string | { error: string }): this }\nexport function run(): S;",
    `${USE}export const s = run().email();\n`,
    [],
    false,
  ],
  [
    "a list that is readonly now is no break for who reads it",
    "export function run(): number[];",
    "export function run(): readonly number[];",
    `${USE}for (const one of run()) console.log(one);\n`,
    ["yes ts.signature:run none"],
    false,
  ],
  [
    "a tuple that has more is no break for who takes what it had",
    "export function run(): [number, string];",
    "export function run(): [number, string, boolean];",
    `${USE}const [, name] = run();\nconsole.log(name);\n`,
    ["yes ts.signature:run none"],
    false,
  ],
  [
    "a tuple of other things may break who takes them",
    "export function run(): [number, string];",
    "export function run(): [number, string | undefined];",
    `${USE}const [, name] = run();\nconsole.log(name);\n`,
    ["maybe ts.signature:run confirmed a.ts:2"],
    true,
  ],
  [
    "a result that nobody takes is no break",
    "export function run(): string;",
    "export function run(): void;",
    `${USE}run();\n`,
    ["yes ts.signature:run none"],
    false,
  ],
  [
    "a result that has to be waited for may break who does not",
    "export function run(): string;",
    "export function run(): Promise<string>;",
    `${USE}run();\n`,
    ["maybe ts.signature:run confirmed a.ts:2"],
    true,
  ],
  [
    "a function that is given back otherwise, and gives the same where it is called, is no break",
    "export function make(): (() => number) & { clear: () => void };",
    "export function make(): (() => number) & { reset: () => void };",
    'import { make } from "provider";\nconst total = make();\nconst sum: number = total();\nconsole.log(sum);\n',
    ["yes ts.signature:make none"],
    false,
  ],
  [
    "a value that goes back to the package is for the compiler to judge",
    "export interface A { a: 1 } export function make(): A; export function use(o: { part: unknown }): number;",
    "export interface B { b: 1 } export function make(): B; export function use(o: { part: unknown }): number;",
    'import { make, use } from "provider";\nconsole.log(use({ part: make() }));\n',
    ["yes ts.export_removed:A none", "yes ts.signature:make none"],
    false,
  ],
  [
    "and one that gives something else may be",
    "export function make(): (() => number) & { clear: () => void };",
    "export function make(): (() => string) & { clear: () => void };",
    'import { make } from "provider";\nconst total = make();\nconsole.log(total());\n',
    ["maybe ts.signature:make confirmed a.ts:2"],
    true,
  ],
  [
    "a new required member of what is given as Partial is no break",
    "export interface Options { a: string } export function run(o?: Partial<Options>): void;",
    "export interface Options { a: string; b: string } export function run(o?: Partial<Options>): void;",
    `${USE}run({ a: "x" });\n`,
    [],
    false,
  ],
  [
    "an enum whose numbers moved breaks where its value is stored",
    "export enum Level { Low = 0, High = 1 } export function run(l: Level): void;",
    "export enum Level { Low = 0, Mid = 1, High = 2 } export function run(l: Level): void;",
    'import { Level } from "provider";\nconst row = { level: Level.High };\nconsole.log(JSON.stringify(row));\n',
    ["yes ts.signature:Level.High confirmed a.ts:2"],
    true,
  ],
  [
    "and where it is compared with what was stored",
    "export enum Level { Low = 0, High = 1 } export function run(l: Level): void;",
    "export enum Level { Low = 0, Mid = 1, High = 2 } export function run(l: Level): void;",
    'import { Level } from "provider";\nexport const isHigh = (n: number) => n === Level.High;\n',
    ["yes ts.signature:Level.High confirmed a.ts:2"],
    true,
  ],
  [
    "and not where it goes back to the package",
    "export enum Level { Low = 0, High = 1 } export function run(l: Level): void;",
    "export enum Level { Low = 0, Mid = 1, High = 2 } export function run(l: Level): void;",
    'import { Level, run } from "provider";\nrun(Level.High);\n',
    ["yes ts.signature:Level.High none"],
    false,
  ],
  [
    "a number that is written out means another member then",
    MOVED[0],
    MOVED[1],
    `${USE}export const isHigh = run().level === 1;\n`,
    ["yes ts.signature:Level.High confirmed a.ts:2"],
    true,
  ],
  [
    "and one that means the same member is no break",
    MOVED[0],
    MOVED[1],
    `${USE}export const isLow = run().level === 0;\n`,
    ["yes ts.signature:Level.High none"],
    false,
  ],
  [
    "a case of a switch is such a number",
    MOVED[0],
    MOVED[1],
    `${USE}switch (run().level) {\n  case 1:\n    console.log();\n}\n`,
    ["yes ts.signature:Level.High confirmed a.ts:3"],
    true,
  ],
  [
    "a key of an object is such a number",
    MOVED[0],
    MOVED[1],
    `${USE}export const name = { 0: "a", 1: "b", 2: "c" }[run().level];\n`,
    ["yes ts.signature:Level.High confirmed a.ts:2"],
    true,
  ],
  [
    "a bit that is tested is such a number",
    MOVED[0],
    MOVED[1],
    `${USE}export const isHigh = (run().level & 1) !== 0;\n`,
    ["yes ts.signature:Level.High confirmed a.ts:2"],
    true,
  ],
  [
    "a number that only the program knows may be one of before",
    MOVED[0],
    MOVED[1],
    `${USE}export const isSame = (stored: number) => run().level === stored;\n`,
    ["maybe ts.signature:Level confirmed a.ts:2", "yes ts.signature:Level.High none"],
    true,
  ],
  [
    "what is written as JSON may be read with the other version",
    MOVED[0],
    MOVED[1],
    `${USE}console.log(JSON.stringify({ level: run().level }));\n`,
    ["maybe ts.signature:Level confirmed a.ts:2", "yes ts.signature:Level.High none"],
    true,
  ],
  [
    "two values of the enum are held against each other by their names",
    MOVED[0],
    MOVED[1],
    'import { Level, run } from "provider";\nexport const isHigh = run().level === Level.High;\n',
    ["yes ts.signature:Level.High none"],
    false,
  ],
  [
    "a member that only an alias lets go of does not hit who uses its owner",
    "export interface A { parse(): string; other(): string } export interface B { other(): string }\n" +
      "export type Any = A | B;\nexport function run(): A;",
    "export interface A { parse(): string; other(): string } export interface B { other(): string }\n" +
      "export type Any = B;\nexport function run(): A;",
    `${USE}run().parse();\n`,
    ["yes ts.member_removed:Any.parse none"],
    false,
  ],
  [
    "a result that became a promise may break, though nothing fails to compile",
    "export function run(): string;",
    "export function run(): Promise<string>;",
    `${USE}console.log(run());\n`,
    ["maybe ts.signature:run confirmed a.ts:2"],
    true,
  ],
  [
    "a result of another type of the package is read by what is taken of it",
    "export interface Ok { ok: true; data: string } export function run(): Ok;",
    "export interface Good { ok: true; data: string; more: number } export interface Bad { ok: false; data: string }\n" +
      "export function run(): Good | Bad;",
    `${USE}const r = run();\nconsole.log(r.data);\n`,
    ["yes ts.export_removed:Ok none", "yes ts.signature:run none"],
    false,
  ],
  [
    "and as a whole where it is passed on",
    "export interface Ok { ok: true; data: string } export function run(): Ok;",
    "export interface Good { ok: true; data: string; more: number } export interface Bad { ok: false; data: string }\n" +
      "export function run(): Good | Bad;",
    `${USE}const r = run();\nconsole.log(r);\n`,
    ["maybe ts.signature:run confirmed a.ts:2", "yes ts.export_removed:Ok none"],
    true,
  ],
  [
    "a member that several exports inherit is told once, where it is declared",
    "export interface Base { get(): string } export interface A extends Base {} export interface B extends Base {}\n" +
      "export function run(): A & B;",
    "export interface Base { get(): number } export interface A extends Base {} export interface B extends Base {}\n" +
      "export function run(): A & B;",
    `${USE}console.log(run().get());\n`,
    ["maybe ts.signature:Base.get confirmed a.ts:2"],
    true,
  ],
  [
    "a callback is read as far as it takes what it is given",
    "export interface Flow { on: (next: (value: string) => void) => void } export function run(): Flow;",
    "export interface Flow { on: (next: () => void) => void } export function run(): Flow;",
    `${USE}run().on(() => console.log("next"));\n`,
    ["yes ts.signature:Flow.on none"],
    false,
  ],
  [
    "what stands on the line of another use is read by itself",
    "export interface Flow { on(): string } export function other(): Flow; export function run(n: string | number): void;",
    "export interface Flow { on(): number } export function other(): Flow; export function run(n: string): void;",
    'import { other, run } from "provider";\nconst flow = other();\nrun("x"); console.log(flow.on());\n',
    ["maybe ts.signature:Flow.on confirmed a.ts:3", "yes ts.signature:run none"],
    true,
  ],
  [
    "two types that print alike are not shown",
    "export {}; type Given = string | number; export function run(given: Given): void;",
    "export {}; type Given = string; export function run(given: Given): void;",
    `${USE}run(1);\n`,
    ["yes ts.signature:run confirmed a.ts:2"],
    true,
  ],
  [
    "a name of the module comes before that of its namespace",
    'export * as z from "./inner.js"; export * from "./inner.js"; export function run(): void;',
    'export * as z from "./inner.js"; export * from "./inner.js"; export function run(): void;',
    'import { Failure } from "provider";\nconsole.log(new Failure().errors);\n',
    ["yes ts.member_removed:Failure.errors confirmed a.ts:2"],
    true,
  ],
  [
    "an error is called as the person wrote it",
    "export interface Failure { errors: string[] } export function run(): { error: Failure };",
    "export interface Failure { issues: string[] } export function run(): { error: Failure };",
    `${USE}const r = run();\nconsole.log(r.error.errors);\n`,
    ["yes ts.member_removed:Failure.errors confirmed a.ts:3"],
    true,
  ],
];

test.for(CASES)(
  "%s",
  { timeout: 60_000 },
  async ([, before, after, text, expected, requiresAction], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": before, "inner.d.ts": INNER("errors") },
      to: { "index.d.ts": after, "inner.d.ts": INNER("issues") },
      consumer: { "a.ts": text },
    });

    const analysis = analyzePackage(request, () => {});

    const breaking = new Map(analysis.hits.map(({ finding }) => [finding.id, finding.breaking]));
    expect(
      breakingHits(analysis).map((one) => `${breaking.get(one.split(" ")[0] ?? "")} ${one}`),
    ).toEqual(expected);
    expect(
      analysis.hits.filter(
        ({ finding }) => finding.before !== null && finding.before === finding.after,
      ),
    ).toEqual([]);
    expect(verdictOn(analysis, {}).requiresAction).toBe(requiresAction);
    expect(
      analysis.hits.every(({ finding }) => finding.breaking !== "yes" || finding.proof !== null),
    ).toBe(true);
  },
);
