/** What people do with a schedule: pause, resume, run it now. Errors are those of queue.ts. */
import { z } from "zod";
import type { Enqueued } from "../model/task.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { EnqueuedRow } from "./rows.ts";

const Changed = z.object({ changed: z.boolean() });

/** Have it enqueue nothing when it is due. False where it was paused. Rejects with 22023. */
export async function pauseSchedule(db: Database, schedule: string): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.pause_schedule($1) as changed",
    values: [schedule],
  });
  return Changed.parse(row).changed;
}

/** Have it run again from its next time on. False where it was not paused. */
export async function resumeSchedule(db: Database, schedule: string): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.resume_schedule($1) as changed",
    values: [schedule],
  });
  return Changed.parse(row).changed;
}

/**
 * Enqueue its task now, also while it is paused. `task` has the arguments of SQL's enqueue_task.
 * Rejects as enqueueTask does.
 */
export async function runSchedule(
  db: Database,
  schedule: string,
  task: Readonly<Record<string, unknown>>,
): Promise<Enqueued> {
  const [row] = await db.query({
    text: "select task_id, outcome from triaged.run_schedule($1, $2::jsonb)",
    values: [schedule, JSON.stringify(task)],
  });
  return EnqueuedRow.parse(row);
}

const SchedulePause = z.object({ schedule: z.string(), paused_at: IsoTime });
export type SchedulePause = z.output<typeof SchedulePause>;

/** The schedules that are paused, and since when; at most `limit`, by name. */
export async function listSchedulePauses(db: Database, limit: number): Promise<SchedulePause[]> {
  const rows = await db.query({
    text: `select ${columnsOf(SchedulePause.shape)}
           from triaged.schedule_pauses order by schedule limit $1`,
    values: [limit],
  });
  return rows.map((row) => SchedulePause.parse(row));
}
