/** Schedules: what the clock enqueues, when it did last, and when it does next. */
import { z } from "zod";
import {
  listSchedulePauses,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
} from "../../database/schedule-pauses.ts";
import { databaseNow, scheduleRuns } from "../../database/schedules.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { readSchedules, type Schedule, schedulesFile } from "../../jobs/crontab.ts";
import { listSchedules, type ScheduleRow } from "../../jobs/schedule-list.ts";
import { EnvironmentError } from "../../model/errors.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { emptyState, table } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import {
  type Action,
  type ActionContext,
  defineAction,
  definePage,
  type PageContext,
} from "../page.ts";

const ROWS_MAX = 500;

/** The schedules of this host's crontab, or what is wrong with it. */
function readFile(given: string | null): {
  readonly known: readonly Schedule[];
  readonly problem: string | null;
} {
  try {
    return { known: readSchedules(schedulesFile(given)), problem: null };
  } catch (err) {
    if (err instanceof EnvironmentError) {
      return { known: [], problem: err.message };
    }
    throw err;
  }
}

function scheduleAction(
  verb: "pause" | "resume" | "run",
  act: (context: ActionContext, schedule: string, reason: string) => Promise<string>,
): Action {
  return defineAction({
    path: `/schedules/${verb}`,
    role: "operate",
    params: z.object({}),
    fields: z.strictObject({
      reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
      schedule: z.string().min(1).max(500),
    }),
    run: async (context, { fields: { reason, schedule } }) => ({
      notice: await act(context, schedule, reason),
      to: "/ui/schedules",
    }),
  });
}

const ACTIONS = [
  scheduleAction("pause", async ({ write }, schedule, reason) => {
    await write((db) => pauseSchedule(db, schedule), { reason });
    return `Schedule ${schedule} is paused: it enqueues nothing until it is resumed.`;
  }),
  scheduleAction("resume", async ({ write }, schedule, reason) => {
    await write((db) => resumeSchedule(db, schedule), { reason });
    return `Schedule ${schedule} runs again from its next time on.`;
  }),
  scheduleAction("run", async ({ write, parts }, schedule, reason) => {
    const known = readFile(parts.schedulesFile).known.find(({ name }) => name === schedule);
    if (known === undefined) {
      throw new Refusal(
        404,
        "unknown_schedule",
        `There is no schedule ${schedule} in the crontab of this host.`,
        {
          hint: "Only a schedule whose line is there can be run.",
        },
      );
    }
    const { taskId } = await write((db) => runSchedule(db, schedule, known.task), { reason });
    return `Schedule ${schedule} has enqueued task ${taskId}.`;
  }),
];

export const schedulesPage = definePage({
  path: "/schedules",
  nav: "Schedules",
  params: z.object({}),
  query: z.strictObject({}),
  show: async (context) => {
    const { known, problem } = readFile(context.parts.schedulesFile);
    const { runs, pauses, now } = await context.read("schedules", async (db) => ({
      runs: await scheduleRuns(db, ROWS_MAX),
      pauses: await listSchedulePauses(db, ROWS_MAX),
      now: await databaseNow(db),
    }));
    const rows = listSchedules(known, runs, now).slice(0, ROWS_MAX);
    const paused = new Map(pauses.map((one) => [one.schedule, one.paused_at]));
    return {
      title: "Schedules",
      refresh: "always",
      main: html`${problem !== null && html`<p class="banner warn" role="status">The crontab of this host cannot be read: ${shownLine(problem, 1000)}</p>`}
        <p class="hint">Schedules are lines of a crontab, which <code>triaged jobs</code> follows. One that has run and is not in the file has no next run.</p>
        ${table({
          label: "Schedules",
          head: ["Schedule", "Enqueues", "Next run", "Last run", "Runs", "Actions"],
          rows: rows.map((row) =>
            rowView(context, row, { now, pausedAt: paused.get(row.schedule) ?? null }),
          ),
          empty: emptyState(
            "There are no schedules.",
            html`Write one into <code>crontab</code>: <code>0 4 * * * nightly_report</code> enqueues a task of that type each day at four.`,
          ),
        })}`,
    };
  },
  actions: ACTIONS,
});

function rowView(
  context: PageContext,
  row: ScheduleRow,
  { now, pausedAt }: { readonly now: Date; readonly pausedAt: Date | null },
): Html {
  const { next_run_at: next, last_run_at: last, cron } = row;
  return html`<tr>
    <th scope="row">${shownLine(row.schedule, 100)}
      ${cron !== null && html`<p class="quiet"><code>${shownLine(cron, 100)}</code> ${shownLine(row.time_zone ?? "", 60)}</p>`}</th>
    <td>${row.task_type === null ? html`<span class="quiet">not in the crontab</span>` : html`${shownLine(row.task_type, 100)} <p class="quiet">in ${shownLine(row.queue ?? "default", 60)}</p>`}</td>
    <td>${
      pausedAt !== null
        ? html`<span class="status warning">paused</span> since ${momentView(pausedAt)}`
        : next === null
          ? "–"
          : html`in ${spanText(next.getTime() - now.getTime())}<p class="quiet">${momentView(next)}</p>`
    }</td>
    <td>${last === null ? "never" : html`${spanText(now.getTime() - last.getTime())} ago<p class="quiet">${momentView(last)}${row.last_task_id !== null && html`, <a href="/ui/tasks/${row.last_task_id}">task ${row.last_task_id}</a>`}</p>`}</td>
    <td class="number">${row.run_count}</td>
    <td>${actionsView(context, row, pausedAt !== null)}</td>
  </tr>`;
}

function actionsView(
  context: PageContext,
  { schedule, cron }: ScheduleRow,
  isPaused: boolean,
): Html | false {
  if (!context.may("operate")) return false;
  const name = schedule.slice(0, 40);
  const fields = html`<input type="hidden" name="schedule" value="${schedule}">`;
  const form = (verb: string, label: string, explains: string) =>
    actionForm(context, {
      action: `/ui/schedules/${verb}`,
      label,
      of: name,
      explains,
      fields,
    });
  return html`<div class="buttons">
    ${cron !== null && form("run", "Run", "Enqueues its task now, beside its times.")}
    ${isPaused ? form("resume", "Resume", "It runs again from its next time on; what it missed is not caught up.") : form("pause", "Pause", "It enqueues nothing when it is due, until it is resumed.")}
  </div>`;
}
