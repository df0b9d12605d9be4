import { z } from "zod";
import type { Database } from "./database.ts";

/** One transition of a task. Durations in milliseconds. */
const HistoryRow = z.object({
  history_id: z.string(),
  task_id: z.string(),
  task_type: z.string(),
  at: z.date(),
  event: z.string(),
  /** After the event. */
  status: z.string(),
  attempt_count: z.int(),
  worker_id: z.string().nullable(),
  /** Name of that worker, or null. */
  worker: z.string().nullable(),
  actor: z.string(),
  /** The login whose session it was; null in rows from before it was recorded. */
  login: z.string().nullable(),
  error: z.string().nullable(),
  /** Of a claim: from due to started. */
  wait_ms: z.coerce.number().nullable(),
  /** Of the end of an attempt: from started to ended. */
  duration_ms: z.coerce.number().nullable(),
  detail: z.unknown(),
});
export type HistoryRow = z.output<typeof HistoryRow>;

/** Rows of one answer. A task that snoozes for years has more, and each may have an error. */
export const HISTORY_ROWS_MAX = 1_000;

/**
 * The newest transitions of a task, the oldest of them first; empty for one that history does
 * not know.
 */
export async function taskHistory(
  db: Database,
  taskId: string,
  { limit = HISTORY_ROWS_MAX }: { limit?: number | undefined } = {},
): Promise<HistoryRow[]> {
  const rows = await db.query({
    text: `select
             history.history_id, history.task_id, history.task_type, history.at, history.event,
             history.status, history.attempt_count, history.worker_id, worker.name as worker,
             history.actor, history.login, history.error, history.wait_ms, history.duration_ms,
             history.detail
           from triaged.task_history as history
           left join triaged.workers as worker using (worker_id)
           where history.task_id = $1
           order by history.at desc, history.history_id desc
           limit $2`,
    values: [taskId, limit],
  });
  return rows.map((row) => HistoryRow.parse(row)).toReversed();
}
