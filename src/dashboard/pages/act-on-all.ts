/**
 * What can be done with all tasks that match a filter: how many these are, a reason, and begin.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { OperationWork } from "../../database/operations.ts";
import { previewOperation, startOperation } from "../../database/operations.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { operationFilter, TaskFilterQuery, timeOf } from "../../gateway/task-filter.ts";
import { BULK_ACTIONS, type BulkAction } from "../../model/operation.ts";
import { PRIORITY_NAMES } from "../../model/task.ts";
import { fieldsOf, REASON_CHARS_MAX, reasonField } from "../components/forms.ts";
import { emptyState } from "../components/lists.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { defineAction, definePage } from "../page.ts";

const DEEDS: Readonly<Record<BulkAction, string>> = {
  retry: "Retry",
  cancel: "Cancel",
  change_priority: "Change priority",
  change_run_at: "Change run time",
};

const WORDS: Readonly<Record<BulkAction, string>> = {
  retry: "Queue them again, due at once and with their whole budget of attempts.",
  cancel: "Cancel those that wait; workers abort those that run.",
  change_priority: "Claim them earlier or later than others. Tasks that have ended are left alone.",
  change_run_at: "Have those that wait due at another time.",
};

const Fields = TaskFilterQuery.extend({
  action: z.enum(BULK_ACTIONS),
  reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
  request: z.uuid(),
  /** When the filter was shown: a span counts back from then. */
  shown_at: z.iso.datetime(),
  priority: z.enum(PRIORITY_NAMES).optional(),
  run_at: z.string().max(40).optional(),
});

const begin = defineAction({
  path: "/tasks/all",
  role: "operate",
  params: z.object({}),
  fields: Fields,
  run: async ({ write }, { fields }) => {
    const { action, reason, request, shown_at, priority, run_at, ...query } = fields;
    const filter = operationFilter(query, new Date(shown_at));
    const id = await write(
      (db) =>
        startOperation(db, { ...workOf(action, priority, run_at), filter, requestKey: request }),
      { reason },
    );
    return {
      notice: `Operation ${id} has begun; the jobs do it, batch by batch.`,
      to: `/ui/operations/${id}`,
    };
  },
});

function workOf(
  action: BulkAction,
  priority: (typeof PRIORITY_NAMES)[number] | undefined,
  runAt: string | undefined,
): OperationWork {
  switch (action) {
    case "retry":
    case "cancel":
      return { action };
    case "change_priority":
      return { action, priority: PRIORITY_NAMES.indexOf(priority ?? "medium") };
    case "change_run_at": {
      const at = runAt === undefined ? null : timeOf(runAt, new Date());
      if (runAt !== undefined && at === null) {
        throw new Refusal(400, "bad_input", "The run time is not as expected.", {
          hint: "write a time such as 2026-11-29T14:00Z, or nothing for now",
        });
      }
      return { action, runAt: at };
    }
  }
}

export const actOnAllPage = definePage({
  path: "/tasks/all",
  role: "operate",
  params: z.object({}),
  query: TaskFilterQuery.extend({ action: z.enum(BULK_ACTIONS).default("retry") }),
  show: async (context, { query: { action, ...filter } }) => {
    const now = new Date();
    const preview = await context.read("preview", (db) =>
      previewOperation(db, action, operationFilter(filter, now)),
    );
    const about = `${preview.isEstimate ? "about " : ""}${preview.count}`;
    return {
      title: "All that match",
      refresh: "never",
      main: html`${conditionsView(filter)}
        <nav class="tabs" aria-label="What to do">${BULK_ACTIONS.map((name) => {
          const query = new URLSearchParams(context.url.search);
          query.set("action", name);
          return html`<a href="/ui/tasks/all?${query.toString()}"${name === action && html` aria-current="true"`}>${DEEDS[name]}</a>`;
        })}</nav>
        ${
          preview.count === 0
            ? emptyState("There is no task for which this is possible.")
            : html`<form method="post" action="/ui/tasks/all" class="card whole">
          ${fieldsOf(context)}
          ${Object.entries({
            ...filter,
            action,
            request: randomUUID(),
            shown_at: now.toISOString(),
          }).map(
            ([name, value]) =>
              value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`,
          )}
          <p><strong>${DEEDS[action]} ${about} tasks.</strong> ${WORDS[action]} Only tasks that exist now, and match
            when their turn comes, are touched; an operation can be aborted.</p>
          ${
            action === "change_priority" &&
            html`<label>Priority <select name="priority">${PRIORITY_NAMES.map((name) => html`<option>${name}</option>`)}</select></label>`
          }
          ${
            action === "change_run_at" &&
            html`<label>Due at <input name="run_at" maxlength="40" placeholder="2026-11-29T14:00Z; empty: now"></label>`
          }
          ${reasonField()}
          <button class="${action === "cancel" ? "grave" : "main"}">${DEEDS[action]} ${about} tasks</button>
        </form>`
        }`,
    };
  },
  actions: [begin],
});

function conditionsView(filter: TaskFilterQuery): Html {
  const given = Object.entries(filter).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const query = new URLSearchParams(given).toString();
  return html`<p>${
    given.length === 0
      ? "All tasks."
      : html`Tasks with ${given.map(([name, value], place) => html`${place > 0 && ", "}<code>${name}: ${shownLine(value ?? "", 100)}</code>`)}.`
  } <a href="/ui/tasks?${query}">See them</a></p>`;
}
