import { z } from "zod";
import type { Database } from "../database.ts";
import type { Horizon } from "./horizon.ts";

/** Tasks with `after < task_id <= until`. */
export type Range = { readonly after: string; readonly until: string };

/** So many tasks of each table, and rows of history, are looked at in one statement. */
const ROWS_MAX = 20_000;
const TASK_ID_MAX = "9223372036854775807";

/**
 * The range after that one, or the first; null after the last. A range has at most ROWS_MAX
 * rows of each table, except that a task is never cut in two.
 */
export async function nextRange(
  db: Database,
  { read_from }: Horizon,
  before: Range | null,
): Promise<Range | null> {
  if (before?.until === TASK_ID_MAX) {
    return null;
  }
  const after = before?.until ?? "0";
  const [row] = await db.query({
    text: `select coalesce(least(
             (
               select task_id from triaged.live_tasks
               where task_id > $1
               order by task_id offset $3 limit 1
             ),
             (
               select task_id from triaged.final_tasks
               where task_id > $1 and ended_at >= $2
               order by task_id offset $3 limit 1
             ),
             (
               select task_id from triaged.task_history
               where task_id > $1 and at >= $2
               order by task_id offset $3 limit 1
             )
           ), $4::bigint) as until`,
    values: [after, read_from, ROWS_MAX - 1, TASK_ID_MAX],
  });
  return { after, until: z.object({ until: z.string() }).parse(row).until };
}
