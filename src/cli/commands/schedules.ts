import { databaseNow, scheduleRuns } from "../../database/schedules.ts";
import { readSchedules, schedulesFile } from "../../jobs/crontab.ts";
import { listSchedules } from "../../jobs/schedule-list.ts";
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
    const rows = listSchedules(known, runs, now).map((row) => ({
      ...row,
      last_task_id: row.last_task_id === null ? null : numericId(row.last_task_id),
    }));
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
