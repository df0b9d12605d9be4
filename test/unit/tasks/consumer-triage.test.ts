import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import type { Effect } from "../../../src/model/effect.ts";
import { type TriageResult, triageResult } from "../../../src/triage/facts/result.ts";
import handler from "../../../tasks/consumer_triage.ts";
import { makeHandlerContext } from "../../support/handlers.ts";
import { test as base, type MakeUpgrade } from "../../support/packages.ts";

const SLOW = { timeout: 60_000 };
const EXAMPLES = join(import.meta.dirname, "..", "..", "..", "examples");

/** The example's payload, with the consumer's folder made independent of where tests run. */
async function examplePayload() {
  const text = await readFile(join(EXAMPLES, "p-retry-upgrade.json"), "utf8");
  const payload = handler.payload.parse(JSON.parse(text));
  const path = join(EXAMPLES, "p-retry-consumer");
  return { ...payload, relationship_config: { ...payload.relationship_config, path } };
}

async function runExample() {
  return triageResult.parse(await handler.run(await examplePayload(), makeHandlerContext()));
}

/** The example's result, from one run for all tests that only read it. */
const test = base.extend<{ $file: { example: TriageResult } }>({
  example: [
    async ({}, use) => {
      await use(await runExample());
    },
    { scope: "file" },
  ],
});

test(
  "p-retry 7 breaks the example where it imports and where it decides to retry",
  SLOW,
  ({ example: result }) => {
    expect(result).toMatchObject({
      requires_action: true,
      urgency: "high",
      confidence: 0.97,
      affected_files: ["src/client.ts"],
      evidence: {
        mode: "npm",
        usage: "confirmed",
        exposure: { range: "^6.2.1", new: "7.1.1", satisfies: false },
        degraded: [],
        caps_hit: [],
      },
    });
    expect(result.evidence.diagnostics).toEqual([
      {
        path: "src/client.ts",
        line: 1,
        code: "TS2614",
        message: expect.any(String),
        subject: "FailedAttemptError",
      },
      {
        path: "src/client.ts",
        line: 15,
        code: "TS2339",
        message: "Property 'name' does not exist on type 'RetryContext'.",
        subject: "error.name",
      },
    ]);
    const broken = result.evidence.findings.filter(
      ({ breaking, usage }) => breaking === "yes" && usage === "confirmed",
    );
    expect(broken.map(({ id, provider, hits }) => [id, provider?.line, hits])).toEqual([
      [
        "ts.export_removed:FailedAttemptError",
        15,
        [
          { path: "src/client.ts", line: 1 },
          { path: "src/client.ts", line: 20 },
        ],
      ],
      ["ts.signature:Options.shouldRetry", 98, [{ path: "src/client.ts", line: 15 }]],
    ]);
    expect(broken.map(({ proof }) => proof?.by)).toEqual(["compiler", "compiler"]);
  },
);

test("the words name what to change, where and into what", SLOW, ({ example }) => {
  const { impact_summary, recommended_changes } = example;

  expect(impact_summary).toBe(
    "p-retry 6.2.1 → 7.1.1 breaks example/p-retry-consumer: `FailedAttemptError` was removed; use " +
      "`RetryContext` (src/client.ts:1); `error.name`: " +
      "`Options.shouldRetry` changed (src/client.ts:15): Property `name` does not exist on type " +
      "`RetryContext`. The range ^6.2.1 excludes 7.1.1: it breaks on upgrade, not on next install.",
  );
  expect(recommended_changes.split("\n").map((line) => line.slice(0, 74))).toEqual([
    "1. Verify: `npm install p-retry@7.1.1 && npx tsc --noEmit`",
    "2. src/client.ts:1,20 `FailedAttemptError` was removed; use `RetryContext`",
    "3. src/client.ts:15 `error.name`: `Options.shouldRetry` changed: `readonly",
    "4. src/client.ts:14 `Options.onFailedAttempt` changed: `readonly onFailedA",
    "5. src/client.ts:1 p-retry steps from 6.2.1 to 7.1.1: read its release not",
  ]);
});

test("a verdict of high urgency asks for an issue and a message", SLOW, async () => {
  const asked: Effect[] = [];
  const context = makeHandlerContext({ effects: { add: (effect) => asked.push(effect) } });

  await handler.run(await examplePayload(), context);

  expect(asked.map(({ kind }) => kind)).toEqual(["github_issue", "webhook", "context_sink"]);
  expect(asked[0]?.payload).toMatchObject({ urgency: "high", affected_files: ["src/client.ts"] });
});

test(
  "two runs give the same bytes, apart from the time they took",
  SLOW,
  async ({ example: first }) => {
    const second = await runExample();

    expect(JSON.stringify({ ...second, duration_ms: 0 })).toBe(
      JSON.stringify({ ...first, duration_ms: 0 }),
    );
  },
);

test("a cancel during the analysis ends the attempt with its reason", SLOW, async () => {
  const controller = new AbortController();
  const reason = new Error("cancel requested");
  const context = makeHandlerContext({
    signal: controller.signal,
    progress: () => controller.abort(reason),
  });

  await expect(handler.run(await examplePayload(), context)).rejects.toBe(reason);
});

test("an event that does not say what changed fails for good, in words", async () => {
  const payload = handler.payload.parse({
    source_repo: "owner/source",
    target_repo: "owner/target",
    change_event: { commit_sha: "v1.2.3", commit_message: "change", branch: "main" },
  });

  await expect(handler.run(payload, makeHandlerContext())).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(
      /^expected change_event\.changed_files to be the files of the change with /,
    ),
  });
});

test("a consumer that is in no folder and no repository fails for good", async ({ folder }) => {
  vi.stubEnv("REPO_CACHE_DIR", join(folder, "cache"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const payload = await examplePayload();
  const { path: _, ...config } = payload.relationship_config;

  const running = handler.run({ ...payload, relationship_config: config }, makeHandlerContext());

  await expect(running).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(
      /^there is no repository example\/p-retry-consumer: .*; hint: .*relationship_config\.path/,
    ),
  });
});

/** A major step of a package that only the README of the consumer names. */
async function runUnsure(makeUpgrade: MakeUpgrade, decision: unknown) {
  const request = await makeUpgrade({
    to: { "package.json": { version: "2.0.0" } },
    consumer: { "README.md": "See provider." },
  });
  const payload = handler.payload.parse({
    source_repo: "a/provider",
    target_repo: "a/consumer",
    change_event: {
      package: {
        name: "provider",
        from: "1.0.0",
        to: "2.0.0",
        from_path: request.package.fromPath,
        to_path: request.package.toPath,
      },
    },
    relationship_config: {
      path: request.consumer.path,
      interface_files: ["README.md"],
      on_uncertain: "ask",
    },
  });
  return handler.run(payload, makeHandlerContext({ decision }));
}

test(
  "an uncertain verdict is asked about, with what is known so far",
  SLOW,
  async ({ makeUpgrade }) => {
    await expect(runUnsure(makeUpgrade, null)).rejects.toMatchObject({
      name: "NeedsDecision",
      prompt: "Does a/consumer use provider? (yes/no/ignore)",
      partial: { requires_action: true, confidence: 0.45, evidence: { usage: "likely" } },
    });
  },
);

test.for([
  ["yes", { requires_action: true, confidence: 0.65 }],
  [{ answer: "yes" }, { requires_action: true, confidence: 0.65 }],
  ["no", { requires_action: false, confidence: 0.85 }],
  ["ignore", { requires_action: false, confidence: 0.85 }],
] as const)("the decision %j is followed", SLOW, async ([decision, verdict], { makeUpgrade }) => {
  expect(await runUnsure(makeUpgrade, decision)).toMatchObject(verdict);
});

const PACKAGE = { name: "p", from: "1.0.0", to: "2.0.0" };

function payloadWith(parts: object) {
  const change_event = { package: PACKAGE, ...parts };
  return { source_repo: "a/b", target_repo: "c/d", change_event };
}

test("unknown keys of a payload are kept", () => {
  const given = { ...payloadWith({ changed_files: [] }), extra: 1, relationship_config: { x: 2 } };

  expect(handler.payload.parse(given)).toMatchObject(given);
});

test.for([
  [
    "a range for a version",
    payloadWith({ package: { ...PACKAGE, to: "^2.0.0" } }),
    "change_event.package.to",
  ],
  ["no change event", { source_repo: "a/b", target_repo: "c/d" }, "change_event"],
  [
    "an urgency that is none",
    { ...payloadWith({}), relationship_config: { urgency_mapping: { endpoints: "huge" } } },
    "relationship_config.urgency_mapping.endpoints",
  ],
] as const)("a payload with %s does not parse", ([, payload, path]) => {
  const parsed = handler.payload.safeParse(payload);

  expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});
