/** What enqueues tasks by the clock, as people and programs look at it. */
import type { ScheduleRun } from "../database/rows.ts";
import type { Schedule } from "./crontab.ts";
import { nextRun } from "./due-times.ts";

/** A schedule, with its next and its last run. */
export type ScheduleRow = {
  readonly schedule: string;
  readonly cron: string | null;
  readonly time_zone: string | null;
  readonly task_type: string | null;
  readonly payload: unknown;
  readonly queue: string | null;
  readonly backfill_seconds: number;
  readonly line: number | null;
  readonly next_run_at: Date | null;
  readonly last_run_at: Date | null;
  readonly last_task_id: string | null;
  readonly run_count: number;
};

/** The schedules of a file, then those that have run and are not in it. */
export function listSchedules(
  known: readonly Schedule[],
  runs: readonly ScheduleRun[],
  now: Date,
): ScheduleRow[] {
  return [
    ...known.map((one) => rowOf(one, runs, now)),
    ...runs.filter(({ schedule }) => known.every(({ name }) => name !== schedule)).map(goneRow),
  ];
}

function rowOf(schedule: Schedule, runs: readonly ScheduleRun[], now: Date): ScheduleRow {
  const { name, cron, timing, task, line, backfillMs } = schedule;
  return {
    schedule: name,
    cron,
    time_zone: timing.timeZone.name,
    task_type: task.task_type,
    payload: task.payload,
    queue: task.queue ?? "default",
    backfill_seconds: backfillMs / 1000,
    line,
    next_run_at: nextRun(timing, now),
    ...lastOf(runs.find((run) => run.schedule === name)),
  };
}

function goneRow(run: ScheduleRun): ScheduleRow {
  return {
    schedule: run.schedule,
    cron: null,
    time_zone: null,
    task_type: null,
    payload: null,
    queue: null,
    backfill_seconds: 0,
    line: null,
    next_run_at: null,
    ...lastOf(run),
  };
}

function lastOf(run: ScheduleRun | undefined) {
  return {
    last_run_at: run?.last_run_at ?? null,
    last_task_id: run?.last_task_id ?? null,
    run_count: run?.run_count ?? 0,
  };
}
