/** Results of triage, the cache that keeps them, and tasks that ask it. */
import path from "node:path";
import type { Client } from "pg";
import type { Queryable } from "../../src/database/database.ts";
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { type Claimed, call, enqueue, query, waitForStatus } from "./tasks.ts";
import { makeResult } from "./triage-result.ts";

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
