/** Results of triage, the cache that keeps them, and tasks that ask it. */
import path from "node:path";
import type { Client } from "pg";
import type { Queryable } from "../../src/database/database.ts";
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { type Claimed, call, enqueue, query, waitForStatus } from "./tasks.ts";

export type Taken = { verdict: TriageResult | null; filler_task_id: string | null };

const HOLDER = (task: Claimed) => ({ task_id: task.task_id, attempt: task.attempt_count });

/** Ask for the verdict of a key, as the attempt. */
export async function take(db: Queryable, task: Claimed, key = "key"): Promise<Taken | undefined> {
  return (await call<Taken>(db, "take_verdict", { cache_key: key, ...HOLDER(task) }))[0];
}

/** Store one under a key, by default that of makeResult(); resolves to whether it is kept. */
export async function store(
  db: Queryable,
  task: Claimed,
  {
    key = "key",
    verdict = makeResult(),
    ...given
  }: Record<string, unknown> & { key?: string } = {},
): Promise<boolean | undefined> {
  const rows = await call<{ store_verdict: boolean }>(db, "store_verdict", {
    cache_key: key,
    ...HOLDER(task),
    verdict,
    relationship_type: "api_consumer",
    config_hash: "c0ffee",
    ...given,
  });
  return rows[0]?.store_verdict;
}

export async function leave(db: Queryable, task: Claimed, key = "key"): Promise<void> {
  await call(db, "leave_verdict", { cache_key: key, ...HOLDER(task) });
}

/** Who works verdicts out, by their keys. */
export async function readFillers(db: Queryable): Promise<unknown[]> {
  return await query(
    db,
    "select cache_key, task_id, attempt from triaged.verdict_fillers order by cache_key",
  );
}

/** The folder of a handler that takes as long for a verdict as its payload says. */
export const TASKS = path.join(import.meta.dirname, "..", "fixtures", "verdicts");

export async function askForVerdict(
  client: Client,
  payload: Record<string, unknown>,
): Promise<string> {
  return await enqueue(client, { task_type: "verdict", payload: { about: "abcdef0", ...payload } });
}

/** Wait until the task is finished, and resolve to its result. */
export async function verdictOf(client: Client, taskId: string): Promise<TriageResult> {
  const { result } = await waitForStatus(client, taskId, "finished");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The handler returns nothing else.
  return result as TriageResult;
}

type Finding = TriageResult["evidence"]["findings"][number];
type Parts = Partial<Omit<TriageResult, "evidence">> & {
  evidence?: Partial<TriageResult["evidence"]>;
};

/** A finding that leaves open whether it hits anybody. */
export const GREY_FINDING: Finding = {
  id: "http.route_removed:GET /v1/users",
  rule: "http.route_removed",
  trigger: "endpoints",
  breaking: "yes",
  subject: "GET /v1/users",
  before: "GET /v1/users",
  after: null,
  replacement: null,
  provider: { path: "app.py", line: 12 },
  usage: "unknown",
  hits: [{ path: "src/client.ts", line: 3 }],
};

/** A result as the rules leave it, by default an open one: nobody knows the usage. */
export function makeResult({ evidence, ...parts }: Parts = {}): TriageResult {
  return {
    requires_action: true,
    urgency: "high",
    impact_summary: "IF you use a/source: it may break c/target.",
    affected_files: ["src/client.ts"],
    recommended_changes: "1. Verify: run the tests of c/target",
    confidence: 0.5,
    reasoning: "1 breaking change found.",
    architecture_context: "",
    schema_version: 1,
    analyzer: { handler: "consumer_triage", version: "1.0.0" },
    artifacts: [],
    cache: { hit: false, key: "" },
    duration_ms: 0,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
    ...parts,
    evidence: {
      mode: "git",
      source: { repo: "a/source", base_sha: "1111111", head_sha: "2222222" },
      target: { repo: "c/target", sha: "3333333" },
      usage: "unknown",
      exposure: null,
      findings: [GREY_FINDING],
      diagnostics: [],
      files: [],
      truncated: false,
      degraded: [],
      caps_hit: [],
      ...evidence,
    },
  };
}
