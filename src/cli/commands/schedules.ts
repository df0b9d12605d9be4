import { pauseSchedule, resumeSchedule, runSchedule } from "../../database/schedule-pauses.ts";
import { readSchedules, type Schedule, schedulesFile } from "../../jobs/crontab.ts";
import { listSchedules, readScheduleRows, type ScheduleRow } from "../../jobs/schedule-list.ts";
import { visibleLine } from "../../model/text.ts";
import { readConfig } from "../../settings/config.ts";
import { choice, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { nearest, UsageError } from "../terminal/errors.ts";
import {
  formatTime,
  numericId,
  print,
  printJson,
  renderTable,
  withNumericIds,
} from "../terminal/output.ts";
import { reason } from "../terminal/parsing.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";

const ROWS_MAX = 10_000;
const ACTIONS = ["list", "pause", "resume", "run"] as const;

export const schedulesCommand = defineCommand({
  name: "schedules",
  summary: "list what enqueues tasks by the clock; pause, resume, or run one now",
  description:
    "The schedules are the lines of SCHEDULES_FILE, or of ./crontab, in graphile-worker's format\n" +
    "(docs/schedules.md). `triaged jobs` runs them; the table is what this folder and these\n" +
    "settings say, beside what has run. One that has run and is not in the file has no next run.\n" +
    "A paused one enqueues nothing when it is due, and what it missed is not caught up.",
  args: [
    { name: "ACTION", schema: choice(ACTIONS), optional: true },
    { name: "SCHEDULE", schema: text({ max: 500 }), optional: true },
  ],
  options: {
    check: { about: "only look whether the file can be used; needs no database" },
    reason: reason(),
    json: {
      about:
        "list: print an array: schedule, cron, in_words, next_run_at, last_run_at, paused_at, …; " +
        "else one object",
    },
  },
  examples: [
    ["schedules", "what is due when"],
    ["schedules pause report --reason 'the source is down'", "Operations has who did it, and why"],
    ["schedules run report", "its task now, beside its times"],
    ["schedules --check", "exits 78 and names each line that is wrong"],
    ["schedules --json | jq '.[].next_run_at'", "for a program"],
  ],
  run: async ({ flags, args: [action = "list", schedule] }) => {
    if ((schedule === undefined) !== (action === "list") || (flags.check && action !== "list")) {
      throw new UsageError("expected list, or one of pause, resume, run with a SCHEDULE", {
        hint: "triaged schedules --help",
      });
    }
    const config = readConfig();
    const file = schedulesFile(config.schedulesFile);
    const known = readSchedules(file);
    if (flags.check) {
      const told = { runs: [], pauses: [], now: new Date() };
      printRows(listSchedules(known, told), { asJson: flags.json, file });
      return 0;
    }
    return await withDatabase(async (opened) => {
      const { rows } = await readScheduleRows(opened.db, known, ROWS_MAX);
      if (action === "list" || schedule === undefined) {
        printRows(rows, { asJson: flags.json, file });
        return 0;
      }
      const row = rowOf(rows, schedule, action);
      await act(opened, { action, row, known, ...flags });
      return 0;
    }, config);
  },
});

type Printing = { readonly asJson: boolean; readonly file: string | null };

function printRows(rows: readonly ScheduleRow[], { asJson, file }: Printing): void {
  if (asJson) {
    printJson(
      rows.map((row) => ({
        ...row,
        last_task_id: row.last_task_id === null ? null : numericId(row.last_task_id),
      })),
    );
  } else if (file === null && rows.length === 0) {
    print("there are no schedules: no SCHEDULES_FILE, and no file crontab here");
  } else {
    print(
      renderTable(
        ["schedule", "cron", "in words", "time zone", "task type", "next run", "last run", "task"],
        rows.map((row) => [
          row.schedule,
          row.cron,
          row.in_words,
          row.time_zone,
          row.task_type,
          row.paused_at === null ? formatTime(row.next_run_at) : "paused",
          formatTime(row.last_run_at),
          row.last_task_id,
        ]),
      ),
    );
  }
}

type Deed = (typeof ACTIONS)[number];

/** The one that is meant. Throws a UsageError for a name that nobody knows. */
function rowOf(rows: readonly ScheduleRow[], schedule: string, action: Deed): ScheduleRow {
  const row = rows.find((one) => one.schedule === schedule);
  if (row === undefined) {
    const names = rows.map((one) => one.schedule);
    const meant = nearest(schedule, names);
    throw new UsageError(`there is no schedule ${schedule}`, {
      hint: meant === null ? "triaged schedules lists them" : `did you mean ${meant}?`,
    });
  }
  if (action === "run" && row.cron === null) {
    throw new UsageError(`schedule ${schedule} is not in the crontab of this folder`, {
      hint: "run it where its line is, or name the file: SCHEDULES_FILE",
    });
  }
  return row;
}

async function act(
  { asOperator }: Opened,
  {
    action,
    row: { schedule },
    known,
    reason: why,
    json,
  }: {
    readonly action: Deed;
    readonly row: ScheduleRow;
    readonly known: readonly Schedule[];
    readonly reason: string | undefined;
    readonly json: boolean;
  },
): Promise<void> {
  if (action === "run") {
    const task = known.find(({ name }) => name === schedule)?.task ?? {};
    const { taskId, outcome } = await asOperator((db) => runSchedule(db, schedule, task), {
      reason: why,
    });
    if (json) printJson(withNumericIds({ schedule, task_id: taskId, outcome }));
    else print(visibleLine(`schedule ${schedule} has enqueued task ${taskId}`));
    return;
  }
  const change = action === "pause" ? pauseSchedule : resumeSchedule;
  const changed = await asOperator((db) => change(db, schedule), { reason: why });
  if (json) {
    printJson({ schedule, changed });
  } else {
    const state = action === "pause" ? "paused" : "running again";
    print(visibleLine(`schedule ${schedule} ${changed ? "is" : "was"} ${state}`));
  }
}
