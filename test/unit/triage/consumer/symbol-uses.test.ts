import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, type Files, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

/** A title, declarations before and after, the consumer, and what it meets of the difference. */
type Case = readonly [
  title: string,
  before: string,
  after: string,
  consumer: string,
  expected: readonly string[],
];

const CASES: readonly Case[] = [
  [
    "a parameter that was narrowed is not met by a call that fits all the same",
    "export function f(value: string | number): void;",
    "export function f(value: string): void;",
    'import { f } from "provider";\nf("text");\n',
    ["ts.signature:f none"],
  ],
  [
    "a function that is passed on is met",
    "export function f(value: string | number): void;",
    "export function f(value: string): void;",
    'import { f } from "provider";\nexport const all: unknown = [f];\n',
    ["ts.signature:f confirmed src/a.ts:2"],
  ],
  [
    "a wider result is met, although nothing objects to it",
    "export function f(): string;",
    "export function f(): string | undefined;",
    'import { f } from "provider";\nexport const text = `${f()}`;\n',
    ["ts.signature:f confirmed src/a.ts:2"],
  ],
  [
    "a callback that is given something else is met, although it takes anything",
    "export type O = { on?: (error: Error) => void }; export function f(o: O): void;",
    "export type O = { on?: (context: { error: Error }) => void }; export function f(o: O): void;",
    'import { f } from "provider";\nconst log = (x: unknown) => x;\nf({ on: log });\n',
    ["ts.signature:O.on confirmed src/a.ts:3"],
  ],
  [
    "a callback that is an argument is met as well",
    "export function f(on: (error: Error) => void): void;",
    "export function f(on: (context: { error: Error }) => void): void;",
    'import { f } from "provider";\nconst log = (x: unknown) => x;\nf(log);\n',
    ["ts.signature:f confirmed src/a.ts:3"],
  ],
  [
    "a value of which a callback takes members that stayed is not met",
    "export function f(on: (files: { a: string }[]) => void): void;",
    "export function f(on: (files: { b: string }[]) => void): void;",
    'import { f } from "provider";\nf((files) => console.log(files.length));\n',
    ["ts.signature:f none"],
  ],
  [
    "a value of which a callback takes members that differ is met",
    "export function f(on: (a: { size: number }) => void): void;",
    "export function f(on: (a: { size: bigint }) => void): void;",
    'import { f } from "provider";\nf((a) => console.log(a.size));\n',
    ["ts.signature:f confirmed src/a.ts:2"],
  ],
  [
    "a number that a callback gives to what takes anything, and that is a list now, is met",
    "export function f(on: (size: number) => void): void;",
    "export function f(on: (size: number[]) => void): void;",
    'import { f } from "provider";\nf((size) => console.log(size));\n',
    ["ts.signature:f confirmed src/a.ts:2"],
  ],
  [
    "a union that grows behind its name is met by who names it",
    'export type M = "a" | "b"; export function f(): M;',
    'export type M = "a" | "b" | "c"; export function f(): M;',
    'import { f, type M } from "provider";\nexport const m: M = f();\n',
    ["ts.signature:M confirmed src/a.ts:2"],
  ],
  [
    "a member of a namespace is not met by who imports the namespace",
    "export namespace N { function f(): void; function g(): void }",
    "export namespace N { function f(): void }",
    'import { N } from "provider";\nN.f();\n',
    ["ts.export_removed:N.g none"],
  ],
  [
    "a second name that is gone is not met by who uses the first",
    "export declare function f(): void; export default f;",
    "export declare function f(): void;",
    'import { f } from "provider";\nf();\n',
    ["ts.export_removed:default none"],
  ],
  [
    "a second name that is gone is met by who uses it",
    "export declare function f(): void; export default f;",
    "export declare function f(): void;",
    'import f from "provider";\nf();\n',
    ["ts.export_removed:default confirmed src/a.ts:1 src/a.ts:2"],
  ],
];

const consumer = (text: string): Files => ({ "src/a.ts": text });

test.for(CASES)("%s", SLOW, async ([, before, after, text, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": before },
    to: { "index.d.ts": after },
    consumer: consumer(text),
  });

  expect(breakingHits(analyzePackage(request, quiet)).toSorted()).toEqual(expected);
});

test("without strict checks a result that may be absent is met", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export function f(): string;" },
    to: { "index.d.ts": "export function f(): string | undefined;" },
    consumer: {
      ...consumer('import { f } from "provider";\nexport const n = f().length;\n'),
      "tsconfig.json": '{ "compilerOptions": { "strict": false } }',
    },
  });

  const [first] = breakingHits(analyzePackage(request, quiet));

  expect(first).toMatch(/^ts\.signature:f confirmed /);
});
