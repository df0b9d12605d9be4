import type { Client } from "pg";
import { START } from "./queue-calls.ts";
import type { Entry, Task } from "./world.ts";

const sinceStart = (column: string) =>
  `(extract(epoch from ${column}) * 1000 - ${START})::float8 as "${column}"`;

const TASK = `
  task_id, queue, priority, status, ${sinceStart("run_at")}, attempt_count, failure_count,
  max_attempts, rescue_count, worker_id, ${sinceStart("cancel_requested_at")}, progress_pct, result,
  error, decision_prompt, decision, dedupe_key, ${sinceStart("started_at")},
  ${sinceStart("ended_at")}`;

/** Ids are positive; what comes from a bigint column is text. */
const toId = (value: string | null) => (value === null ? null : Number(value));

/**
 * The rows of some tasks, of both tables: one that is in both is there twice. Of the final ones
 * the default partition, which reaches up to START: to plan for all takes longer than to read.
 */
export async function readTasks(db: Client, ids: readonly number[]): Promise<[number, Task][]> {
  const { rows } = await db.query({
    name: "observe tasks",
    text: `
      select ${TASK} from triaged.live_tasks where task_id = any ($1)
      union all
      select ${TASK} from triaged.final_tasks_default where task_id = any ($1)
      order by task_id`,
    values: [ids],
  });
  return rows.map((row) => [
    Number(row.task_id),
    {
      queue: row.queue,
      priority: row.priority,
      status: row.status,
      runAt: row.run_at,
      attempts: row.attempt_count,
      failures: row.failure_count,
      maxAttempts: row.max_attempts,
      rescues: row.rescue_count,
      worker: toId(row.worker_id),
      cancelRequestedAt: row.cancel_requested_at,
      progress: row.progress_pct,
      result: row.result,
      error: row.error,
      prompt: row.decision_prompt,
      decision: row.decision,
      key: row.dedupe_key,
      startedAt: row.started_at,
      endedAt: row.ended_at,
    },
  ]);
}

/** What history tells of some tasks, by task and from the oldest on. */
export async function readHistory(db: Client, ids: readonly number[]): Promise<[number, Entry][]> {
  const { rows } = await db.query({
    name: "observe history",
    text: `
      select *, ${sinceStart("at")},
        nullif(detail - 'operation_id', '{}') as told_detail
      from triaged.task_history
      where task_id = any ($1) order by task_id, history_id`,
    values: [ids],
  });
  return rows.map((row) => [
    Number(row.task_id),
    {
      event: row.event,
      status: row.status,
      attempt: row.attempt_count,
      worker: toId(row.worker_id),
      byWorker: row.actor === "worker",
      error: row.error,
      wait: toId(row.wait_ms),
      duration: toId(row.duration_ms),
      // Operations are no part of the model.
      detail: row.told_detail,
    },
  ]);
}
