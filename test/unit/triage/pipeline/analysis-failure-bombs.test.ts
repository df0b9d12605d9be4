// Goal: input that asks the compiler for more than there is ends one attempt with a verdict that
// says so, and is not done again. Method: the handler itself, with small limits by its settings.

import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import { type TriageResult, triageResult } from "../../../../src/triage/facts/result.ts";
import { KEEP_SECONDS, keepSecondsOf } from "../../../../src/triage/verdict/cache.ts";
import handler from "../../../../tasks/consumer_triage.ts";
import { makeHandlerContext } from "../../../support/handlers.ts";
import { test as base, type Upgrade } from "../../../support/packages.ts";

const SLOW = { timeout: 120_000 };

type Limits = { readonly ms?: number; readonly mib?: number };
type Given = { readonly config?: object } & Limits;

const test = base.extend<{ triage: (upgrade: Upgrade, given?: Given) => Promise<TriageResult> }>({
  triage: async ({ makeUpgrade, folder }, use) => {
    await use(async (upgrade, { ms = 60_000, mib = 2_048, config = {} } = {}) => {
      vi.stubEnv("ANALYSIS_TIMEOUT_MS", String(ms));
      vi.stubEnv("ANALYSIS_MEMORY_MIB", String(mib));
      onTestFinished(() => void vi.unstubAllEnvs());
      await makeUpgrade(upgrade);
      const payload = handler.payload.parse({
        source_repo: "owner/provider",
        target_repo: "owner/consumer",
        change_event: {
          package: {
            name: "provider",
            from: "1.0.0",
            to: "1.1.0",
            from_path: join(folder, "from"),
            to_path: join(folder, "to"),
          },
        },
        relationship_config: { path: join(folder, "consumer"), ...config },
      });
      return triageResult.parse(await handler.run(payload, makeHandlerContext()));
    });
  },
});

const CONSUMER = { "a.ts": 'import { take } from "provider";\ntake("x");\n' };

function versions(declaration: string): Upgrade {
  return {
    from: { "index.d.ts": `${declaration}\nexport declare function take(value: string): void;` },
    to: { "index.d.ts": `${declaration}\nexport declare function take(value: unknown): void;` },
    consumer: CONSUMER,
  };
}

function unionOf(count: number, member: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => member(index)).join("|");
}

const TOO_LONG: readonly (readonly [title: string, upgrade: Upgrade])[] = [
  [
    "a union of a great many objects",
    {
      from: {
        "index.d.ts": `export type U = ${unionOf(60_000, (at) => `{ a${at}: ${at} }`)};
export declare function take(value: U): U;`,
      },
      to: {
        "index.d.ts": `export type U = ${unionOf(60_000, (at) => `{ a${at}: ${at}; b?: 1 }`)};
export declare function take(value: U): U;`,
      },
      consumer: CONSUMER,
    },
  ],
  [
    "a file of the consumer whose types take without end",
    {
      ...versions(""),
      consumer: {
        "a.ts": `import { take } from "provider";
type U = ${unionOf(24_000, (at) => `{ a${at}: ${at} }`)};
type V = ${unionOf(24_000, (at) => `{ b${at}: ${at} }`)};
declare const u: U & { c: V };
const v: V & { c: U } = u;
take(v);\n`,
      },
    },
  ],
];

test.for(TOO_LONG)(
  "%s ends with a verdict after one attempt",
  SLOW,
  async ([, upgrade], { triage }) => {
    const result = await triage(upgrade, { ms: 3_000 });

    expect(result).toMatchObject({
      requires_action: true,
      urgency: "medium",
      impact_summary: expect.stringMatching(
        /^IF you use provider: .* could not be analysed within/,
      ),
      evidence: {
        usage: "unknown",
        caps_hit: ["analysis_time"],
        degraded: ["provider was not analysed: it took longer than 1500 ms"],
      },
    });
    expect(result.confidence).toBeLessThan(0.4);
    expect(keepSecondsOf(result)).toBe(KEEP_SECONDS.lacking);
  },
);

const DEEP = 50_000;

test.for([
  ["an expression", `export const a = ${"(".repeat(DEEP)}1${")".repeat(DEEP)};`],
  ["an array", `export const a = ${"[".repeat(DEEP)}${"]".repeat(DEEP)};`],
  ["a type", `export type A = ${"Array<".repeat(DEEP)}1${">".repeat(DEEP)};`],
  ["blocks", `${"{".repeat(DEEP)}${"}".repeat(DEEP)}`],
  ["a template", `export const a = ${"`${".repeat(DEEP)}1${"}`".repeat(DEEP)};`],
] as const)(
  "%s of the consumer that is nested too deeply for the stack ends with a verdict",
  SLOW,
  async ([, text], { triage }) => {
    const result = await triage({
      ...versions(""),
      consumer: { ...CONSUMER, "deep.ts": `import { take } from "provider";\n${text}\n` },
    });

    expect(result.evidence).toMatchObject({
      caps_hit: ["analysis_depth"],
      degraded: ["provider was not analysed: it is nested too deeply, or too large"],
    });
  },
);

test.for([
  ["a type", `export type A = ${"Array<".repeat(DEEP)}1${">".repeat(DEEP)};`],
  ["members of members", `export type A = ${"{ a: ".repeat(DEEP)}1${" }".repeat(DEEP)};`],
] as const)(
  "%s of the package that is nested too deeply for the stack ends with a verdict",
  SLOW,
  async ([, text], { triage }) => {
    const result = await triage(versions(text));

    expect(result.evidence.caps_hit).toEqual(["analysis_depth"]);
  },
);

test(
  "declarations that take more memory than there is end with a verdict",
  SLOW,
  async ({ triage }) => {
    const many = Array.from({ length: 120_000 }, (_, at) => `export type T${at} = { a: ${at} };`);

    const result = await triage(versions(many.join("\n")), { mib: 64 });

    expect(result.evidence).toMatchObject({
      caps_hit: ["analysis_memory"],
      degraded: ["provider was not analysed: it took more than 64 MiB"],
    });
  },
);

test.for([
  [
    "conditional types that never end",
    "export type L<T> = T extends [infer H, ...infer R] ? L<[...R, H, H]> : T;\nexport type A = L<[1]>;",
  ],
  [
    "template literals that multiply",
    `export type D = ${unionOf(10, (at) => `"${at}"`)};
export type A = \`\${D}\${D}\${D}\${D}\${D}\${D}\${D}\`;`,
  ],
  [
    "tuples that double",
    `export type T0 = [1, 2];\n${Array.from(
      { length: 40 },
      (_, at) => `export type T${at + 1} = [...T${at}, ...T${at}];`,
    ).join("\n")}`,
  ],
] as const)("%s end with a verdict of some kind", SLOW, async ([, text], { triage }) => {
  expect(await triage(versions(text), { ms: 20_000 })).toMatchObject({ schema_version: 1 });
});

test(
  "a person is asked about what could not be analysed, where people are asked",
  SLOW,
  async ({ triage }) => {
    const [, upgrade] = TOO_LONG[0] ?? ["", {}];

    await expect(
      triage(upgrade, { ms: 1_000, config: { on_uncertain: "ask" } }),
    ).rejects.toMatchObject({ name: "NeedsDecision" });
  },
);
