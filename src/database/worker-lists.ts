/** Workers as people look at them: those that live, then those that ended in the last 24 hours. */
import { z } from "zod";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { WorkerActivity } from "./rows.ts";

/** Tasks of one worker that are named. */
export const HELD_NAMED_MAX = 10;

const ListedWorker = WorkerActivity.extend({
  /** Of the tasks that it holds, the first by their ids. */
  task_ids: z.array(z.string()).nullable(),
  oldest_started_at: IsoTime.nullable(),
  ended_at: IsoTime.nullable(),
  end_reason: z.string().nullable(),
});
export type ListedWorker = z.output<typeof ListedWorker>;

/** The newest first, behind the worker `after`: that live, or (`isEnded`) that have ended. */
export async function listWorkers(
  db: Database,
  filter: {
    readonly isEnded: boolean;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ readonly rows: ListedWorker[]; readonly next: string | null }> {
  const { task_ids: _, ...shape } = ListedWorker.shape;
  const found = await db.query({
    text: `select ${columnsOf(shape)},
             task_ids[1:${HELD_NAMED_MAX}]::text[] as task_ids
           from triaged.worker_activity
           where (ended_at is not null) = $1
             and ($2::bigint is null or worker_id < $2)
           order by worker_id desc
           limit $3`,
    values: [filter.isEnded, filter.after ?? null, filter.limit],
  });
  const rows = found.map((row) => ListedWorker.parse(row));
  return { rows, next: rows.length < filter.limit ? null : (rows.at(-1)?.worker_id ?? null) };
}
