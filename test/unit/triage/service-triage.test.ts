import { join } from "node:path";
import { expect } from "vitest";
import { triageResult } from "../../../src/triage/result.ts";
import handler from "../../../tasks/consumer_triage.ts";
import { makeHandlerContext } from "../../support/handler-context.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../../support/llm-service-change.ts";
import { test as base, type Files, writeTree } from "../../support/upgrade.ts";

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
