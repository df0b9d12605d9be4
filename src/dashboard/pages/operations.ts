import { z } from "zod";
import {
  abortOperation,
  getOperation,
  listOperations,
  type OperationRow,
} from "../../database/operations.ts";
import { OPERATION_ACTIONS, OPERATION_DOORS } from "../../model/operation.ts";
import { actionForm } from "../components/forms.ts";
import { countView, emptyState, pageLinks, statusView, table } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { foldedText, shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { type Action, defineAction, definePage, type PageContext } from "../page.ts";

const ROWS = 50;
const Id = z.string().regex(/^\d{1,18}$/);

const Query = z.object({
  action: z.enum(OPERATION_ACTIONS).optional(),
  actor: z.string().max(200).optional(),
  door: z.enum(OPERATION_DOORS).optional(),
  task: Id.optional(),
  many: z.literal("1").optional(),
  after: Id.optional(),
});

/** Who did what, when and why. */
export const operationsPage = definePage({
  path: "/operations",
  nav: "Operations",
  params: z.object({}),
  query: Query,
  show: async (context, { query }) => {
    const { action, actor, door, task, many, after } = query;
    const rows = await context.read(
      "operations",
      (db) =>
        listOperations(db, {
          action,
          actor,
          door,
          after,
          taskId: task,
          isBulk: many === undefined ? undefined : true,
          limit: ROWS,
        }),
      { mayLag: true },
    );
    const next = rows.length < ROWS ? null : (rows.at(-1)?.operation_id ?? null);
    return {
      title: "Operations",
      main: html`${filterForm(query)}
        ${table({
          label: "Operations",
          head: ["When", "What", "Of", "Who", "Why", "Door", "Tasks"],
          rows: rows.map((row) => rowView(context, row)),
          empty: emptyState(
            "Nobody did anything that matches.",
            "Each action of a person, from whatever door, is listed here.",
          ),
        })}
        ${pageLinks(context, next)}`,
    };
  },
});

function filterForm({ action, actor, door, task, many }: z.output<typeof Query>): Html {
  return html`<form method="get" class="fields" role="search" aria-label="Filter of operations">
    <label>What ${choices("action", OPERATION_ACTIONS, action)}</label>
    <label>Door ${choices("door", OPERATION_DOORS, door)}</label>
    <label>Who <input name="actor" maxlength="200" value="${actor ?? ""}"></label>
    <label>Task <input name="task" inputmode="numeric" maxlength="18" value="${task ?? ""}"></label>
    <label class="check">${
      many === undefined
        ? html`<input type="checkbox" name="many" value="1">`
        : html`<input type="checkbox" name="many" value="1" checked>`
    } of many tasks</label>
    <div class="buttons"><button>Filter</button></div>
  </form>`;
}

function choices(name: string, words: readonly string[], chosen: string | undefined): Html {
  return html`<select name="${name}">
    <option value="">any</option>
    ${words.map((word) =>
      word === chosen
        ? html`<option value="${word}" selected>${spoken(word)}</option>`
        : html`<option value="${word}">${spoken(word)}</option>`,
    )}
  </select>`;
}

function spoken(word: string): string {
  return word.replaceAll("_", " ");
}

function rowView(context: PageContext, row: OperationRow): Html {
  return html`<tr>
    <td class="fit">${momentView(row.at)}</td>
    <th scope="row"><a href="/ui/operations/${row.operation_id}">${spoken(row.action)}</a></th>
    <td class="long">${targetView(context, row)}</td>
    <td>${shownLine(row.actor, 100)}</td>
    <td class="long">${row.reason === null ? html`<span class="quiet">none</span>` : shownLine(context.redactText(row.reason))}</td>
    <td>${row.door}</td>
    <td class="fit">${row.status === null ? html`<span class="quiet">–</span>` : html`${statusView(row.status)} ${countView(row.done ?? 0)} of ${expectedView(row)}`}</td>
  </tr>`;
}

/** What it is of: a task, or what the filter or the target says. */
function targetView(context: PageContext, row: OperationRow): Html {
  const target = context.redact({ ...row.target, ...row.change });
  const words = Object.entries(z.record(z.string(), z.unknown()).parse(target)).map(
    ([name, value]) =>
      html`<span class="pair"><span class="quiet">${spoken(name)}</span> <span class="mono">${shownLine(oneLine(value))}</span></span> `,
  );
  const task =
    row.task_id === null ? null : html`<a href="/ui/tasks/${row.task_id}">task ${row.task_id}</a> `;
  return task === null && words.length === 0
    ? html`<span class="quiet">all</span>`
    : html`${task}${words}`;
}

function oneLine(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function expectedView({ expected, is_estimate }: OperationRow): Html {
  return html`${is_estimate === true && "about "}${countView(expected ?? 0)}`;
}

const abort: Action = defineAction({
  path: "/operations/:id/abort",
  role: "operate",
  params: z.object({ id: Id }),
  fields: z.object({ reason: z.string().min(1).max(2_000) }),
  run: async ({ write }, { params: { id }, fields: { reason } }) => {
    const isAborted = await write((db) => abortOperation(db, id), { reason });
    return {
      notice: isAborted
        ? "The operation stops behind the batch that runs. What it did stays done."
        : "The operation had ended.",
      to: `/ui/operations/${id}`,
    };
  },
});

/** One operation: what was asked, and how far it is. */
export const operationPage = definePage({
  path: "/operations/:id",
  params: z.object({ id: Id }),
  query: z.object({}),
  actions: [abort],
  show: async (context, { params: { id } }) => {
    const row = await context.read("operation", (db) => getOperation(db, id));
    if (row === null) {
      return {
        title: `Operation ${id}`,
        status: 404,
        main: emptyState(`There is no operation ${id}.`, "Old ones are deleted with history."),
      };
    }
    const canAbort = row.status === "running" && context.may("operate");
    return {
      title: `Operation ${id}: ${spoken(row.action)}`,
      refresh: row.status === "running" ? "always" : "never",
      beside: html`<a href="/ui/operations">All operations</a>`,
      main: html`${row.status !== null && progressView(context, row)}
        ${
          canAbort &&
          actionForm(context, {
            action: `/ui/operations/${id}/abort`,
            label: "Abort",
            explains: "It stops behind the batch that runs. What it did stays done.",
            isGrave: true,
          })
        }
        <section class="card" aria-labelledby="facts"><h2 id="facts">What was asked</h2>
        <dl class="facts">
          <div><dt>When</dt><dd>${momentView(row.at)}</dd></div>
          <div><dt>Who</dt><dd>${shownLine(row.actor)}${row.login !== row.actor && html` <span class="quiet">by the login ${shownLine(row.login)}</span>`}</dd></div>
          <div><dt>Why</dt><dd>${row.reason === null ? html`<span class="quiet">no reason was given</span>` : foldedText(context.redactText(row.reason))}</dd></div>
          <div><dt>Door</dt><dd>${row.door}</dd></div>
          <div><dt>Of</dt><dd>${targetView(context, row)}</dd></div>
        </dl></section>`,
    };
  },
});

function progressView(context: PageContext, row: OperationRow): Html {
  const { matched, done, skipped, failed, status, ended_at, last_error, updated_at } = row;
  const isOver = ended_at !== null;
  return html`<section class="card" aria-labelledby="progress"><h2 id="progress">Progress</h2>
    <p role="status">${statusView(status ?? "")}${
      isOver
        ? html` after ${spanText(ended_at.getTime() - row.at.getTime())}`
        : updated_at !== null && html`, last batch ${momentView(updated_at)}`
    }</p>
    <progress aria-label="Tasks that were visited" max="${Math.max(1, isOver ? (matched ?? 0) : (row.expected ?? 0))}" value="${matched ?? 0}"></progress>
    <dl class="facts">
      <div><dt>Expected</dt><dd>${expectedView(row)}</dd></div>
      <div><dt>Matched</dt><dd>${countView(matched ?? 0)}</dd></div>
      <div><dt>Done</dt><dd>${countView(done ?? 0)}</dd></div>
      <div><dt>Skipped</dt><dd>${countView(skipped ?? 0)} <span class="quiet">moved on, or the dedupe key is taken</span></dd></div>
      <div><dt>Failed</dt><dd>${countView(failed ?? 0)}${last_error !== null && html` <span class="mono">${shownLine(context.redactText(last_error))}</span>`}</dd></div>
    </dl></section>`;
}
