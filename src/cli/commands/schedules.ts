import type { ScheduleRun } from "../../database/rows.ts";
import { databaseNow, scheduleRuns } from "../../database/schedules.ts";
import { readSchedules, type Schedule, schedulesFile } from "../../jobs/crontab.ts";
import { nextRun } from "../../jobs/due-times.ts";
import { readConfig } from "../../settings/config.ts";
import { defineCommand } from "../terminal/command.ts";
import { formatTime, numericId, print, printJson, renderTable } from "../terminal/output.ts";
import { withDatabase } from "../terminal/with-database.ts";

const ROWS_MAX = 10_000;

export const schedulesCommand = defineCommand({
  name: "schedules",
  summary: "list what enqueues tasks by the clock: next and last run",
  description:
    "The schedules are the lines of SCHEDULES_FILE, or of ./crontab, in graphile-worker's format\n" +
    "(docs/schedules.md). `triaged jobs` runs them; the table is what this folder and these\n" +
    "settings say, beside what has run. One that has run and is not in the file has no next run.",
  args: [],
  options: {
    check: { about: "only look whether the file can be used; needs no database" },
    json: {
      about: "print an array: schedule, cron, time_zone, task_type, next_run_at, last_run_at, …",
    },
  },
  examples: [
    ["schedules", "what is due when"],
    ["schedules --check", "exits 78 and names each line that is wrong"],
    ["schedules --json | jq '.[].next_run_at'", "for a program"],
  ],
  run: async ({ flags }) => {
    const config = readConfig();
    const file = schedulesFile(config.schedulesFile);
    const known = readSchedules(file);
    const { runs, now } = flags.check
      ? { runs: [], now: new Date() }
      : await withDatabase(
          async ({ db }) => ({
            runs: await scheduleRuns(db, ROWS_MAX),
            now: await databaseNow(db),
          }),
          config,
        );
    const rows = [
      ...known.map((one) => rowOf(one, runs, now)),
      ...runs.filter(({ schedule }) => known.every(({ name }) => name !== schedule)).map(goneRow),
    ];
    if (flags.json) {
      printJson(rows);
    } else if (file === null && rows.length === 0) {
      print("there are no schedules: no SCHEDULES_FILE, and no file crontab here");
    } else {
      print(
        renderTable(
          ["schedule", "cron", "time zone", "task type", "next run", "last run", "task"],
          rows.map((row) => [
            row.schedule,
            row.cron,
            row.time_zone,
            row.task_type,
            formatTime(row.next_run_at),
            formatTime(row.last_run_at),
            row.last_task_id,
          ]),
        ),
      );
    }
    return 0;
  },
});

type Row = {
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
  readonly last_task_id: number | string | null;
  readonly run_count: number;
};

function rowOf(schedule: Schedule, runs: readonly ScheduleRun[], now: Date): Row {
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

function goneRow(run: ScheduleRun): Row {
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
    last_task_id: run === undefined ? null : numericId(run.last_task_id),
    run_count: run?.run_count ?? 0,
  };
}
