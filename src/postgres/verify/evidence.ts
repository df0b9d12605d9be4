import { z } from "zod";
import type { Database } from "../database.ts";

/** So many rows of history up to the one at fault are shown, the oldest first. */
const HISTORY_ROWS_MAX = 6;

const Row = z.record(z.string(), z.unknown());

/** The rows behind a breach, without payload and result: those are the producer's. */
const Evidence = z.object({ tasks: z.array(Row), history: z.array(Row) });
export type Evidence = z.output<typeof Evidence>;

/** The rows of a task in both tables, and those of history up to the given one. */
export async function readEvidence(
  db: Database,
  { task_id, history_id }: { task_id: string; history_id: string | null },
): Promise<Evidence> {
  const [row] = await db.query({
    text: `select
             array(
               select to_json(found) from (
                 select 'live_tasks' as "table", ${TASK_COLUMNS}
                 from triaged.live_tasks where task_id = $1
                 union all
                 select 'final_tasks', ${TASK_COLUMNS}
                 from triaged.final_tasks where task_id = $1
               ) as found
             ) as tasks,
             array(
               select to_json(found) from (
                 select history_id, at, event, status, attempt_count, worker_id, actor, login,
                   error
                 from triaged.task_history
                 where task_id = $1 and history_id <= coalesce($2, 9223372036854775807)
                 order by history_id desc
                 limit $3
               ) as found
               order by history_id
             ) as history`,
    values: [task_id, history_id, HISTORY_ROWS_MAX],
  });
  return Evidence.parse(row);
}

const TASK_COLUMNS =
  "task_type, queue, status, attempt_count, failure_count, rescue_count, worker_id, " +
  "created_at, started_at, ended_at, error";
