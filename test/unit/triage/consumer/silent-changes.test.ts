import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { type Files, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

/** What may break, with where it is met. */
type Silent = readonly [title: string, from: string, to: string, use: string, found: string[]];

const CLASS = "export declare class Queue { protected write(): void; add(): void }\n";
const NOW = "export declare function run(): void;\n";
const LATER = "export declare function run(): Promise<void>;\n";

const CASES: readonly Silent[] = [
  [
    "a protected method that a subclass has its own of",
    CLASS,
    CLASS.replace("write", "append"),
    'import { Queue } from "provider";\nexport class Own extends Queue {\n  protected write() {}\n}\n',
    ["ts.member_removed:Queue.write use.ts:3"],
  ],
  [
    "a public method that a subclass has its own of",
    CLASS.replace("add", "flush"),
    CLASS,
    'import { Queue } from "provider";\nexport class Own extends Queue {\n  flush() {}\n}\n',
    ["ts.member_removed:Queue.flush use.ts:3"],
  ],
  [
    "a call that was over when it returned",
    NOW,
    LATER,
    'import { run } from "provider";\nrun();\n',
    ["ts.signature:run use.ts:2"],
  ],
];

test.for(CASES)(
  "no compiler objects to %s, which may break",
  SLOW,
  async ([, from, to, use, found], { makeUpgrade }) => {
    expect(await mayBreak(makeUpgrade, { from, to, use })).toEqual(found);
  },
);

test.for<Silent>([
  ["a call that is waited for", NOW, LATER, 'import { run } from "provider";\nawait run();\n', []],
  [
    "a call that was a promise before",
    LATER,
    LATER.replace("run()", "run(a?: string)"),
    'import { run } from "provider";\nvoid run();\n',
    [],
  ],
  [
    "a class that has a member of its own beside those of the package",
    CLASS,
    CLASS.replace("add(): void", "add(): void; more(): void"),
    'import { Queue } from "provider";\nexport class Own extends Queue {\n  other() {}\n}\n',
    [],
  ],
  [
    "a stand-in that only has the shape of the package's class",
    CLASS.replace("protected write(): void; ", "flush(): void; "),
    CLASS.replace("protected write(): void; ", ""),
    'import type { Queue } from "provider";\nexport class Fake implements Pick<Queue, "add"> {\n  add() {}\n  flush() {}\n}\n',
    [],
  ],
])("%s is left alone", SLOW, async ([, from, to, use, found], { makeUpgrade }) => {
  expect(await mayBreak(makeUpgrade, { from, to, use })).toEqual(found);
});

type MakeUpgrade = (parts: {
  from: Files;
  to: Files;
  consumer: Files;
}) => Promise<Parameters<typeof analyzePackage>[0]>;

async function mayBreak(
  makeUpgrade: MakeUpgrade,
  { from, to, use }: { from: string; to: string; use: string },
): Promise<string[]> {
  const request = await makeUpgrade({
    from: { "index.d.ts": from },
    to: { "index.d.ts": to },
    consumer: { "use.ts": use },
  });
  const { hits } = analyzePackage(request, quiet);
  return hits
    .filter(({ finding, usage }) => finding.breaking === "maybe" && usage === "confirmed")
    .flatMap(({ finding, hits: places }) =>
      places.map(({ path, line }) => `${finding.id} ${path}:${line}`),
    );
}
