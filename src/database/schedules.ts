import { z } from "zod";
import { columnsOf, type Database, IsoTime } from "./database.ts";

const ScheduledRow = z.object({
  task_id: z.string(),
  outcome: z.enum(["created", "duplicate", "replaced"]),
});

/** Enqueue the task of a schedule for the minute at which it was due, once. Needs the owner. */
export async function enqueueScheduled(
  db: Database,
  run: {
    readonly schedule: string;
    readonly dueAt: string;
    readonly task: Readonly<Record<string, unknown>>;
  },
): Promise<{ taskId: string; outcome: "created" | "duplicate" | "replaced" }> {
  const [row] = await db.query({
    text: "select task_id, outcome from triaged.enqueue_scheduled($1, $2, $3::jsonb)",
    values: [run.schedule, run.dueAt, JSON.stringify(run.task)],
  });
  const { task_id, outcome } = ScheduledRow.parse(row);
  return { taskId: task_id, outcome };
}

export const ScheduleRun = z.object({
  schedule: z.string(),
  last_run_at: IsoTime,
  last_task_id: z.string(),
  run_count: z.coerce.number(),
});
export type ScheduleRun = z.output<typeof ScheduleRun>;

/** When each schedule last enqueued its task; at most `limit`. */
export async function scheduleRuns(db: Database, limit: number): Promise<ScheduleRun[]> {
  const rows = await db.query({
    text: `select ${columnsOf(ScheduleRun.shape)}
           from triaged.schedule_runs order by schedule limit $1`,
    values: [limit],
  });
  return rows.map((row) => ScheduleRun.parse(row));
}

/** The time of the queue, whatever the clock of this machine says. */
export async function databaseNow(db: Database): Promise<Date> {
  const [row] = await db.query({ text: "select triaged.now() as now" });
  return z.object({ now: z.date() }).parse(row).now;
}
