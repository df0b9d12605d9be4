/** What enqueues tasks by the clock, as people and programs look at it. */
import type { Database } from "../database/database.ts";
import type { ScheduleRun } from "../database/rows.ts";
import { listSchedulePauses, type SchedulePause } from "../database/schedule-pauses.ts";
import { databaseNow, scheduleRuns } from "../database/schedules.ts";
import { cronWords } from "./cron-words.ts";
import type { Schedule } from "./crontab.ts";
import { nextRun } from "./due-times.ts";

/** A schedule, with its next and its last run. */
export type ScheduleRow = {
  readonly schedule: string;
  readonly cron: string | null;
  /** The line as people say it, such as "At 02:00, Monday through Friday", in its time zone. */
  readonly in_words: string | null;
  readonly time_zone: string | null;
  readonly task_type: string | null;
  readonly payload: unknown;
  readonly queue: string | null;
  readonly backfill_seconds: number;
  readonly line: number | null;
  /** While it is paused it enqueues nothing, and this is when it would. */
  readonly next_run_at: Date | null;
  readonly last_run_at: Date | null;
  readonly last_task_id: string | null;
  readonly run_count: number;
  readonly paused_at: Date | null;
};

/**
 * The schedules of a file, then those that have run and are not in it; `now` is the time of the
 * database. At most `limit` that have run, or are paused.
 */
export async function readScheduleRows(
  db: Database,
  known: readonly Schedule[],
  limit: number,
): Promise<{ readonly rows: ScheduleRow[]; readonly now: Date }> {
  const runs = await scheduleRuns(db, limit);
  const pauses = await listSchedulePauses(db, limit);
  const now = await databaseNow(db);
  return { rows: listSchedules(known, { runs, pauses, now }), now };
}

type Told = {
  readonly runs: readonly ScheduleRun[];
  readonly pauses: readonly SchedulePause[];
  readonly now: Date;
};

/** The same of what is known already. */
export function listSchedules(known: readonly Schedule[], told: Told): ScheduleRow[] {
  const { runs, pauses } = told;
  const gone = runs.filter(({ schedule }) => known.every(({ name }) => name !== schedule));
  const pausedAt = new Map(pauses.map((pause) => [pause.schedule, pause.paused_at]));
  return [...known.map((one) => rowOf(one, told)), ...gone.map(goneRow)].map((row) => ({
    ...row,
    paused_at: pausedAt.get(row.schedule) ?? null,
  }));
}

type UnpausedRow = Omit<ScheduleRow, "paused_at">;

function rowOf(schedule: Schedule, { runs, now }: Told): UnpausedRow {
  const { name, cron, timing, task, line, backfillMs } = schedule;
  return {
    schedule: name,
    cron,
    in_words: cronWords(cron),
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

function goneRow(run: ScheduleRun): UnpausedRow {
  return {
    schedule: run.schedule,
    cron: null,
    in_words: null,
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
