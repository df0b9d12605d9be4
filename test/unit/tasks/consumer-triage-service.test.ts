import { join } from "node:path";
import { expect } from "vitest";
import { triageResult } from "../../../src/triage/facts/result.ts";
import handler from "../../../tasks/consumer_triage.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../../support/changes.ts";
import { makeHandlerContext } from "../../support/handlers.ts";
import { test as base, type Files, writeTree } from "../../support/packages.ts";

const SLOW = { timeout: 60_000 };

type Given = {
  readonly event?: object;
  readonly config?: object;
  /** Null: the payload does not say where the consumer is. */
  readonly consumer?: Files | null;
  readonly decision?: unknown;
};

/** A test that can triage the older system's change, or parts of it, for a consumer on disk. */
const test = base.extend<{
  triage: (given?: Given) => Promise<ReturnType<typeof triageResult.parse>>;
}>({
  triage: async ({ folder }, use) => {
    await use(
      async ({ event = {}, config = {}, consumer = LLM_CONSUMER, decision = null } = {}) => {
        if (consumer !== null) await writeTree(join(folder, "consumer"), {}, consumer);
        const payload = handler.payload.parse({
          source_repo: "owner/llm-container",
          target_repo: "owner/consumer",
          change_event: { ...LLM_EVENT, ...event },
          relationship_config: {
            relationship_type: "api_consumer",
            interface_files: ["utils/llm_client.py"],
            ...(consumer === null ? {} : { path: join(folder, "consumer") }),
            ...config,
          },
        });
        return triageResult.parse(await handler.run(payload, makeHandlerContext({ decision })));
      },
    );
  },
});

test(
  "an event of the older system hits the files that call the service",
  SLOW,
  async ({ triage }) => {
    const result = await triage();

    expect(result).toMatchObject({
      requires_action: true,
      urgency: "high",
      confidence: 0.77,
      affected_files: [".env.example", "utils/llm_client.py"],
      evidence: {
        mode: "payload",
        usage: "confirmed",
        truncated: false,
        exposure: null,
        source: { repo: "owner/llm-container", head_sha: LLM_EVENT.commit_sha },
      },
    });
    const broken = result.evidence.findings.filter(({ breaking }) => breaking === "yes");
    expect(broken.map(({ id, usage, provider, hits }) => [id, usage, provider, hits])).toEqual([
      [
        "deploy.port:8080",
        "confirmed",
        { path: "entrypoint.sh", line: null },
        [
          { path: ".env.example", line: 2 },
          { path: "utils/llm_client.py", line: 4 },
        ],
      ],
      [
        "http.auth_added:X-API-Key",
        "confirmed",
        { path: "app.py", line: 2 },
        [
          { path: ".env.example", line: 2 },
          { path: "utils/llm_client.py", line: 4 },
        ],
      ],
    ]);
  },
);

test("an empty summary of patterns gives the same verdict", SLOW, async ({ triage }) => {
  const { reasoning: told, ...first } = await triage();
  const empty = { patterns: [], keywords: [] };
  const { reasoning, ...second } = await triage({ event: { pattern_summary: empty } });

  expect({ ...second, duration_ms: 0 }).toEqual({ ...first, duration_ms: 0 });
  expect(told).toContain(
    "Its producer names api_contract, authentication, deployment, configuration.",
  );
  expect(reasoning).not.toContain("Its producer names");
});

test("a summary alone, with words that hold others, makes no finding", SLOW, async ({ triage }) => {
  const diff = "+log_in = author.report(catalog)";
  const result = await triage({
    event: {
      changed_files: [{ path: "app.py", change_type: "M", diff }],
      pattern_summary: { keywords: ["author", "report", "blog", "catalog"] },
    },
  });

  expect(result).toMatchObject({ requires_action: false, evidence: { findings: [] } });
  expect(result.reasoning).not.toContain("authentication");
  expect(result.reasoning).not.toContain("deployment");
});

test("two runs give the same bytes, apart from the time they took", SLOW, async ({ triage }) => {
  const [first, second] = [await triage(), await triage()];

  expect(JSON.stringify({ ...second, duration_ms: 0 })).toBe(
    JSON.stringify({ ...first, duration_ms: 0 }),
  );
});

test("the words say what to change, and where", SLOW, async ({ triage }) => {
  const { impact_summary, recommended_changes } = await triage();

  expect(impact_summary).toBe(
    "owner/llm-container@abc123def456 breaks owner/consumer: the service does not answer at port " +
      "8080 any more; use `8000` (.env.example:2); requests must carry `X-API-Key`: send it, and " +
      "keep its value out of the code (.env.example:2).",
  );
  expect(recommended_changes.split("\n")).toEqual([
    "1. Verify: run the tests of owner/consumer against owner/llm-container@abc123def456",
    "2. .env.example:2, utils/llm_client.py:4 the service does not answer at port 8080 any more; use `8000`",
    "3. .env.example:2, utils/llm_client.py:4 requests must carry `X-API-Key`: send it, and keep its value " +
      "out of the code",
  ]);
});

test("without interface files the old port makes the use likely", SLOW, async ({ triage }) => {
  expect(await triage({ config: { interface_files: [] } })).toMatchObject({
    requires_action: true,
    urgency: "high",
    confidence: 0.6,
    affected_files: [".env.example", "utils/llm_client.py"],
    evidence: { usage: "likely" },
  });
});

test("a consumer that does not use the service is left alone", SLOW, async ({ triage }) => {
  const consumer = { "report.py": LLM_CONSUMER["utils/report.py"] };

  expect(await triage({ consumer })).toMatchObject({
    requires_action: false,
    urgency: "low",
    confidence: 0.72,
    affected_files: [],
    recommended_changes: "",
    evidence: { usage: "none" },
  });
});

test("without the consumer's tree the verdict is an if", SLOW, async ({ triage }) => {
  const result = await triage({ consumer: null });

  expect(result).toMatchObject({
    requires_action: true,
    urgency: "high",
    confidence: 0.43,
    affected_files: [],
    evidence: { usage: "unknown", target: { sha: "" } },
  });
  expect(result.impact_summary).toMatch(/^IF you use owner\/llm-container: /);
});

test("an open verdict is asked about, and the answer decides", SLOW, async ({ triage }) => {
  const config = { on_uncertain: "ask" };

  await expect(triage({ consumer: null, config })).rejects.toMatchObject({
    name: "NeedsDecision",
    message:
      "Does owner/consumer use `8080`, `X-API-Key`, `API_KEY` of owner/llm-container? (yes/no/ignore)",
  });
  expect(await triage({ consumer: null, config, decision: "no" })).toMatchObject({
    requires_action: false,
  });
  expect(await triage({ consumer: null, config, decision: "yes" })).toMatchObject({
    requires_action: true,
    urgency: "high",
    confidence: 0.77,
  });
});

test.for([
  ["an empty diff", [], [], 0.77],
  ["a change of prose", [{ path: "README.md", diff: "+Hello." }], [], 0.77],
  [
    "a binary file",
    [{ path: "logo.png", diff: "Binary files a/logo.png and b/logo.png differ" }],
    [],
    0.77,
  ],
  [
    "a file without its diff",
    [{ path: "app.py", change_type: "M" }],
    ["1 changed file came without a diff"],
    0.69,
  ],
] as const)(
  "%s needs no action",
  SLOW,
  async ([, changed_files, degraded, confidence], { triage }) => {
    expect(await triage({ event: { changed_files } })).toMatchObject({
      requires_action: false,
      urgency: "low",
      confidence,
      evidence: { findings: [], degraded },
    });
  },
);

test("a diff that a producer cut off makes the verdict less sure", SLOW, async ({ triage }) => {
  const diff = "+EXPOSE 8000\n".repeat(500).slice(0, 5_000);

  expect(await triage({ event: { changed_files: [{ path: "Dockerfile", diff }] } })).toMatchObject({
    requires_action: false,
    confidence: 0.61,
    evidence: { truncated: true },
  });
});

test("a folder that is not there fails for good", async ({ triage }) => {
  await expect(triage({ config: { path: "/nowhere/at/all" } })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringContaining("/nowhere/at/all"),
  });
});

test("another diff has another cache key", SLOW, async ({ triage }) => {
  const [first, other] = [await triage(), await triage({ event: { changed_files: [] } })];

  expect(other.cache.key).not.toBe(first.cache.key);
});
