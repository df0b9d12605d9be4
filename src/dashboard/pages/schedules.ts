/** Schedules: what the clock enqueues, when it did last, and when it does next. */
import { z } from "zod";
import { pauseSchedule, resumeSchedule, runSchedule } from "../../database/schedule-pauses.ts";
import { knownSchedule, ScheduleName } from "../../gateway/routes/schedules.ts";
import { readSchedules, type Schedule, schedulesFile } from "../../jobs/crontab.ts";
import { readScheduleRows, type ScheduleRow } from "../../jobs/schedule-list.ts";
import { EnvironmentError } from "../../model/errors.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { emptyState, table } from "../components/lists.ts";
import { ageView, momentView } from "../components/moment.ts";
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
      schedule: ScheduleName,
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
    const { task } = knownSchedule(parts.schedulesFile, schedule);
    const { taskId } = await write((db) => runSchedule(db, schedule, task), { reason });
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
    const { rows } = await context.read("schedules", (db) => readScheduleRows(db, known, ROWS_MAX));
    return {
      title: "Schedules",
      refresh: "always",
      main: html`${problem !== null && html`<p class="banner warn" role="status">The crontab of this host cannot be read: ${shownLine(problem, 1000)}</p>`}
        <p class="hint">Schedules are lines of a crontab, which <code>triaged jobs</code> follows. One that has run and is not in the file has no next run.</p>
        ${table({
          label: "Schedules",
          head: ["Schedule", "Enqueues", "Next run", "Last run", "Runs", "Actions"],
          rows: rows.slice(0, ROWS_MAX).map((row) => rowView(context, row)),
          empty: emptyState(
            "There are no schedules.",
            html`Write one into <code>crontab</code>: <code>0 4 * * * nightly_report</code> enqueues a task of that type each day at four.`,
          ),
        })}`,
    };
  },
  actions: ACTIONS,
});

function rowView(context: PageContext, row: ScheduleRow): Html {
  return html`<tr>
    <th scope="row">${shownLine(row.schedule, 100)}${timesView(row)}</th>
    <td>${row.task_type === null ? html`<span class="quiet">not in the crontab</span>` : html`${shownLine(row.task_type, 100)} <p class="quiet">in ${shownLine(row.queue ?? "default", 60)}</p>`}</td>
    <td>${nextView(row)}</td>
    <td>${lastView(row)}</td>
    <td class="number">${row.run_count}</td>
    <td>${actionsView(context, row)}</td>
  </tr>`;
}

/** When it runs: in words, and as the crontab has it. */
function timesView({ cron, in_words: words, time_zone: zone }: ScheduleRow): Html | false {
  return (
    cron !== null &&
    html`<p>${shownLine(words ?? "", 200)} <span class="quiet">${shownLine(zone ?? "", 60)}</span></p>
      <p class="quiet"><code>${shownLine(cron, 100)}</code></p>`
  );
}

function nextView({ paused_at: pausedAt, next_run_at: next }: ScheduleRow): Html | string {
  if (pausedAt !== null) {
    return html`<span class="status warning">paused</span> <p class="quiet">since ${momentView(pausedAt)}</p>`;
  }
  return next === null ? "–" : html`${ageView(next)}<p class="quiet">${momentView(next)}</p>`;
}

function lastView({ last_run_at: last, last_task_id: taskId }: ScheduleRow): Html | string {
  return last === null
    ? "never"
    : html`${ageView(last)}<p class="quiet">${momentView(last)}${taskId !== null && html`, <a href="/ui/tasks/${taskId}">task ${taskId}</a>`}</p>`;
}

function actionsView(
  context: PageContext,
  { schedule, cron, paused_at: pausedAt }: ScheduleRow,
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
    ${pausedAt !== null ? form("resume", "Resume", "It runs again from its next time on; what it missed is not caught up.") : form("pause", "Pause", "It enqueues nothing when it is due, until it is resumed.")}
  </div>`;
}
