/** Schedules: to enqueue what one is due for, once. The verbs are described in queue.ts. */
import { z } from "zod";
import { columnsOf } from "./database.ts";
import type { Queue } from "./queue.ts";
import { EnqueuedRow, ScheduleRun } from "./rows.ts";

export const enqueueScheduled: Queue["enqueueScheduled"] = async (db, run) => {
  const [row] = await db.query({
    text: "select task_id, outcome from triaged.enqueue_scheduled($1, $2, $3::jsonb)",
    values: [run.schedule, run.dueAt, JSON.stringify(run.task)],
  });
  return row === undefined ? null : EnqueuedRow.parse(row);
};

export const scheduleRuns: Queue["scheduleRuns"] = async (db, limit) => {
  const rows = await db.query({
    text: `select ${columnsOf(ScheduleRun.shape)}
           from triaged.schedule_runs order by schedule limit $1`,
    values: [limit],
  });
  return rows.map((row) => ScheduleRun.parse(row));
};

export const databaseNow: Queue["databaseNow"] = async (db) => {
  const [row] = await db.query({ text: "select triaged.now() as now" });
  return z.object({ now: z.date() }).parse(row).now;
};
