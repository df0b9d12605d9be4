/** Effects: what tasks want done outside of the database, and how far that is. */
import { z } from "zod";
import { effectsPageOf } from "../../database/effect-lists.ts";
import { retryEffect } from "../../database/outbox.ts";
import type { ListedEffect } from "../../database/rows.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { EFFECT_KINDS, EFFECT_STATUSES } from "../../model/effect.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { emptyState, pageLinks, statusView, table, withQuery } from "../components/lists.ts";
import { momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { defineAction, definePage, type PageContext } from "../page.ts";

const ROWS = 50;

const retryAction = defineAction({
  path: "/effects/:id/retry",
  role: "operate",
  params: z.object({ id: TaskId }),
  fields: z.strictObject({
    reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
    task: TaskId.optional(),
  }),
  run: async ({ write }, { params: { id }, fields: { reason, task } }) => {
    if (!(await write((db) => retryEffect(db, id), { reason }))) {
      throw new Refusal(409, "not_possible", `Effect ${id} has not failed, or is gone.`, {
        hint: "Only effects that failed or were skipped can be tried again.",
      });
    }
    return {
      notice: `Effect ${id} will be delivered again.`,
      to: task === undefined ? "/ui/effects" : `/ui/tasks/${task}`,
    };
  },
});

export const effectsPage = definePage({
  path: "/effects",
  nav: "Effects",
  params: z.object({}),
  query: z.strictObject({
    status: z.enum(EFFECT_STATUSES).optional(),
    kind: z.enum(EFFECT_KINDS).optional(),
    after: z
      .string()
      .regex(/^[1-9]\d{0,18}$/)
      .optional(),
  }),
  show: async (context, { query }) => {
    const found = await context.read(
      "effects",
      (db) => effectsPageOf(db, { ...query, limit: ROWS }),
      { mayLag: true },
    );
    return {
      title: "Effects",
      refresh: "always",
      main: html`<p class="hint">What tasks want done outside of the queue: issues, webhooks, pushes, digests.
          Each is written with the end of its task, and delivered at least once.</p>
        ${filterView(context, query)}
        ${
          found.rows.length === 0
            ? emptyState(
                query.status === undefined && query.kind === undefined
                  ? "No task has asked for an effect yet."
                  : "No effect matches.",
                "Handlers ask for effects with effects.add(…).",
              )
            : effectsTable(context, found.rows, {})
        }
        ${found.looked !== null && html`<p class="hint">Looked among the ${found.looked} effects before this place: what is older shows on the next page.</p>`}
        ${pageLinks(context, found.next)}`,
    };
  },
  actions: [retryAction],
});

function filterView(
  { url }: PageContext,
  query: { readonly status?: string | undefined; readonly kind?: string | undefined },
): Html {
  const tabs = (name: "status" | "kind", values: readonly string[]) =>
    html`<nav class="tabs" aria-label="By ${name}">${[null, ...values].map(
      (value) =>
        html`<a href="${withQuery(url, { [name]: value, after: null })}"${(query[name] ?? null) === value && html` aria-current="true"`}>${value === null ? `any ${name}` : value.replaceAll("_", " ")}</a>`,
    )}</nav>`;
  return html`<div class="buttons">${tabs("status", EFFECT_STATUSES)}${tabs("kind", EFFECT_KINDS)}</div>`;
}

/** Effects as a table; on the page of a task (`taskId`) without a column for it. */
export function effectsTable(
  context: PageContext,
  effects: readonly ListedEffect[],
  { taskId }: { readonly taskId?: string },
): Html {
  const row = (effect: ListedEffect) => html`<tr>
    <th scope="row">${effect.effect_id}</th>
    <td>${effect.kind.replaceAll("_", " ")}</td>
    <td>${statusView(effect.status)}</td>
    ${taskId === undefined && html`<td><a href="/ui/tasks/${effect.task_id}">task ${effect.task_id}</a></td>`}
    <td class="long">${effect.target_repo !== null && shownLine(effect.target_repo, 100)}${referenceView(effect.external_ref)}${
      effect.last_error !== null &&
      html`<p class="error">${shownLine(context.redactText(effect.last_error))}</p>`
    }</td>
    <td>${effect.delivered_at === null ? html`${effect.status === "pending" && "next try "}${momentView(effect.due_at)}` : momentView(effect.delivered_at)}</td>
    <td class="number">${effect.attempts}</td>
    <td>${retryView(context, effect, taskId)}</td>
  </tr>`;
  return table({
    label: taskId === undefined ? "All effects" : "Effects of the task",
    head: [
      "Effect",
      "Kind",
      "Status",
      ...(taskId === undefined ? ["Task"] : []),
      "To",
      "Delivered or due",
      "Tries",
      "Action",
    ],
    rows: effects.map(row),
  });
}

/** Its name on the other side: a link only where it is an address of the web. */
function referenceView(reference: string | null): Html | false {
  if (reference === null) return false;
  const protocol = URL.parse(reference)?.protocol;
  const isWeb = protocol === "https:" || protocol === "http:";
  return html`<p>${isWeb ? html`<a href="${reference}" rel="noreferrer">${shownLine(reference, 100)}</a>` : shownLine(reference, 100)}</p>`;
}

function retryView(
  context: PageContext,
  { effect_id: id, status }: ListedEffect,
  taskId: string | undefined,
): Html | false {
  return (
    context.may("operate") &&
    (status === "failed" || status === "skipped") &&
    actionForm(context, {
      action: `/ui/effects/${id}/retry`,
      label: "Try again",
      of: `: effect ${id}`,
      explains: "Delivers it after all, with a new budget of tries.",
      fields: html`${taskId !== undefined && html`<input type="hidden" name="task" value="${taskId}">`}`,
    })
  );
}
