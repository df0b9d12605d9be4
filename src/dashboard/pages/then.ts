import { z } from "zod";
import { DEPTH_GOES_BACK_MS, depthAt, type PastDepth, taskAt } from "../../database/past.ts";
import { databaseNow } from "../../database/schedules.ts";
import { codeOf } from "../../database/sqlstate.ts";
import { countView, emptyState, statusView, table } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { foldedText, shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { definePage, type PageContext } from "../page.ts";

const MINUTES_BACK = DEPTH_GOES_BACK_MS / 60_000 - 1;
const BAD_ARGUMENT = "22023";

const Query = z.object({
  /** An instant. */
  at: z.iso.datetime({ offset: true }).optional(),
  /** Or so many minutes ago, as the slider says. */
  ago: z.coerce.number().int().min(0).max(MINUTES_BACK).optional(),
  /** And this task, as it was. */
  task: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
});

/** What waited and ran at an instant of the last day, and a task as it was. */
export const thenPage = definePage({
  path: "/then",
  nav: "Then",
  params: z.object({}),
  query: Query,
  show: async (context, { query }) => {
    const now = await context.read("now", databaseNow);
    const at = query.at === undefined ? minutesBefore(now, query.ago ?? 0) : new Date(query.at);
    return {
      title: "Then",
      refresh: "never",
      main: html`${instantForm(now, at, query.task)}
        ${query.task !== undefined && (await taskView(context, query.task, at))}
        ${await depthView(context, at)}`,
    };
  },
});

function minutesBefore(now: Date, minutes: number): Date {
  return new Date(now.getTime() - minutes * 60_000);
}

/** To the right is now: the slider is turned round by its direction. */
function instantForm(now: Date, at: Date, task: string | undefined): Html {
  const ago = Math.min(
    MINUTES_BACK,
    Math.max(0, Math.round((now.getTime() - at.getTime()) / 60_000)),
  );
  const steps = [1, 15, 60, 360].map(
    (minutes) =>
      html`<a href="${thenAddress(minutesBefore(at, minutes), task)}">${spanText(minutes * 60_000)} earlier</a> `,
  );
  return html`<form method="get" class="fields" aria-label="Instant">
    <label class="slider">How long ago, up to a day
      <input type="range" name="ago" dir="rtl" min="0" max="${MINUTES_BACK}" value="${ago}"></label>
    <label>Task <input name="task" inputmode="numeric" maxlength="18" value="${task ?? ""}" placeholder="any"></label>
    <div class="buttons"><button>Show</button></div>
  </form>
  <p>As it was at <strong>${momentView(at)}</strong>, ${spanText(now.getTime() - at.getTime())} ago.</p>
  <nav class="steps" aria-label="Earlier instants">${steps}</nav>`;
}

function thenAddress(at: Date, task: string | undefined): string {
  const query = new URLSearchParams({
    at: at.toISOString(),
    ...(task === undefined ? {} : { task }),
  });
  return `/ui/then?${query.toString()}`;
}

async function depthView(context: PageContext, at: Date): Promise<Html> {
  const rows = await context
    .read("depth", (db) => depthAt(db, at), { mayLag: true })
    .catch(unlessUnknown);
  if (rows === null) {
    return emptyState(
      "Nothing is known of that instant.",
      html`Depth is kept for the last 24 hours, from the first run of <code>triaged jobs</code> on.`,
    );
  }
  return html`<section class="card" aria-labelledby="depth"><h2 id="depth">What waited and ran</h2>
    ${table({
      label: "Depth",
      head: ["Queue", "Type", "Status", "Tasks"],
      rows: rows.map(rowView),
      empty: emptyState("Nothing waited, and nothing ran."),
    })}</section>`;
}

/** An instant that is out of the limits is no error of a page. */
function unlessUnknown(err: unknown): null {
  if (codeOf(err) === BAD_ARGUMENT) return null;
  throw err;
}

function rowView({ queue, task_type, status, count }: PastDepth): Html {
  return html`<tr>
    <td>${queue === "" ? html`<span class="quiet">not known</span>` : shownLine(queue, 60)}</td>
    <td>${shownLine(task_type, 60)}</td>
    <td>${statusView(status)}</td>
    <td class="number">${countView(count)}</td>
  </tr>`;
}

async function taskView(context: PageContext, taskId: string, at: Date): Promise<Html> {
  const then = await context.read("task", (db) => taskAt(db, taskId, at), { mayLag: true });
  if (then === null) {
    return emptyState(
      `There was no task ${taskId} then.`,
      "It was enqueued later, or its history was dropped.",
    );
  }
  return html`<section class="card" aria-labelledby="then-task"><h2 id="then-task">
    <a href="/ui/tasks/${taskId}">Task ${taskId}</a> as it was</h2>
    <dl class="facts">
      <div><dt>Type</dt><dd>${shownLine(then.task_type)}</dd></div>
      <div><dt>Status</dt><dd>${statusView(then.status)} since ${momentView(then.since)}, by ${then.event}, ${shownLine(then.actor)}</dd></div>
      <div><dt>Attempts</dt><dd>${then.attempt_count}, of which ${then.failed_attempts} had failed</dd></div>
      ${then.worker_id !== null && html`<div><dt>Worker</dt><dd>${then.worker_id}</dd></div>`}
      ${then.error !== null && html`<div><dt>Error</dt><dd>${foldedText(context.redactText(then.error))}</dd></div>`}
    </dl></section>`;
}
