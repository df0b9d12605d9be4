/** All tasks, the newest first: found by a filter that is an address, and acted on. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { liveWorkers, queueDepth, taskStatistics } from "../../database/monitoring.ts";
import { countByStatus } from "../../database/reader.ts";
import type { ListedRow, StatusCounts } from "../../database/rows.ts";
import { searchTasks } from "../../database/task-search.ts";
import { searchOf } from "../../gateway/task-filter.ts";
import { TASK_STATUSES } from "../../model/task-status.ts";
import { emptyState, pageLinks, statusView, table, withQuery } from "../components/lists.ts";
import { ageView, momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { definePage, type PageContext } from "../page.ts";
import { actOnSelected, selectedForm } from "./act-on-selected.ts";
import { filterForm, type KnownNames, TaskListQuery } from "./task-filter.ts";

const ROWS = 50;
/** Names that the lists of the form offer. */
const NAMES_MAX = 200;

export const tasksPage = definePage({
  path: "/tasks",
  nav: "Tasks",
  params: z.object({}),
  query: TaskListQuery,
  show: async (context, { query }) => {
    const { after, ...filter } = query;
    const found = await context.read(
      "tasks",
      (db) => searchTasks(db, { ...searchOf(filter, new Date()), after, limit: ROWS }),
      { mayLag: true },
    );
    const known = await context.read("names and counts", readKnown, {
      isForAll: true,
      mayLag: true,
    });
    return {
      title: "Tasks",
      main: html`${statusTabs(context, known.counts)}
        ${filterForm(filter, known.names)}
        ${listView(context, found.rows)}
        ${
          found.lookedAt !== null &&
          html`<p class="hint">Among the ${found.lookedAt} tasks before this place; “Older” looks further back.</p>`
        }
        ${pageLinks(context, found.next)}`,
    };
  },
  actions: [actOnSelected],
});

type Known = { readonly names: KnownNames; readonly counts: StatusCounts };

async function readKnown(db: Database): Promise<Known> {
  const depth = await queueDepth(db);
  const ended = await taskStatistics(db);
  const workers = await liveWorkers(db);
  return {
    counts: await countByStatus(db),
    names: {
      types: sorted([...depth, ...ended].map(({ task_type }) => task_type)),
      queues: sorted(depth.map(({ queue }) => queue)),
      workers: sorted(workers.map(({ name }) => name)),
    },
  };
}

/** Each status with how many there are, of all tasks: a filter beside the others. */
function statusTabs({ url }: PageContext, { counts, isEstimate }: StatusCounts): Html {
  const chosen = url.searchParams.get("status");
  const tab = (name: string, status: string | null, count: number | null) =>
    html`<a href="${withQuery(url, { status, after: null })}"${chosen === status && html` aria-current="true"`}>${name}${
      count !== null && html` <span class="count">${aboutText(count, isEstimate)}</span>`
    }</a>`;
  return html`<nav class="scroll" aria-label="Status"><div class="tabs">
    ${tab("All", null, null)}
    ${TASK_STATUSES.map((status) => tab(status.replaceAll("_", " "), status, counts[status] ?? 0))}
  </div></nav>`;
}

const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Small numbers as they are; larger ones short, and with “about” where they were not counted. */
function aboutText(count: number, isEstimate: boolean): string {
  const text = count < 10_000 ? String(count) : SHORT.format(count);
  return isEstimate && count >= 1_000 ? `about ${text}` : text;
}

function listView(context: PageContext, rows: readonly ListedRow[]): Html {
  if (rows.length === 0) {
    return context.url.search === ""
      ? emptyState(
          "There are no tasks yet.",
          html`Enqueue one: <code>npx triaged enqueue consumer_triage @examples/p-retry-upgrade.json</code>`,
        )
      : emptyState("No task fits this.", "Take out a condition, or look for another status.");
  }
  const mayAct = context.may("operate");
  const list = table({
    label: "Tasks, the newest first",
    head: [
      ...(mayAct ? [selectAll()] : []),
      "Task",
      "Type",
      "Status",
      "Attempts",
      "Created",
      "Ended",
      "What it says",
    ],
    rows: rows.map((row) => rowView(context, row, mayAct)),
  });
  return mayAct ? selectedForm(context, list) : list;
}

function selectAll(): Html {
  return html`<input type="checkbox" data-checks="task" aria-label="Select all on this page">`;
}

function rowView(context: PageContext, row: ListedRow, mayAct: boolean): Html {
  const { task_id, task_type, queue, status } = row;
  return html`<tr id="task-${task_id}">
    ${mayAct && html`<td class="fit"><input type="checkbox" name="task" value="${task_id}" aria-label="Select task ${task_id}"></td>`}
    <th scope="row" class="fit"><a href="/ui/tasks/${task_id}">${task_id}</a></th>
    <td>${shownLine(task_type, 80)}${queue !== "default" && html` <span class="hint">in ${shownLine(queue, 60)}</span>`}</td>
    <td class="fit">${statusView(status)}</td>
    <td class="fit number">${row.attempt_count}${row.rescue_count > 0 && html` <span class="hint" title="workers that died with it">(${row.rescue_count} rescued)</span>`}</td>
    <td class="fit">${ageView(row.created_at)}</td>
    <td class="fit">${row.ended_at === null ? html`<span class="hint">–</span>` : ageView(row.ended_at)}</td>
    <td class="long">${saysView(context, row)}</td>
  </tr>`;
}

/** The one line that tells most of a task: how far it is, what it asks, or what went wrong. */
function saysView(context: PageContext, row: ListedRow): Html | string {
  const { status, current_step, progress_pct, decision_prompt, error } = row;
  if (status === "started" && (progress_pct !== null || current_step !== null)) {
    return html`${progress_pct !== null && html`<progress class="bar" max="100" value="${progress_pct}" aria-label="Progress of task ${row.task_id}"></progress>`}
      ${current_step !== null && shownLine(context.redactText(current_step), 120)}`;
  }
  if (status === "needs_decision" && decision_prompt !== null) {
    return shownLine(context.redactText(decision_prompt), 200);
  }
  if (error !== null && status !== "finished") {
    return html`<span class="${status === "failed" ? "bad-text" : "hint"}">${shownLine(context.redactText(error), 200)}</span>`;
  }
  return status === "queued" && row.run_at > new Date()
    ? html`<span class="hint">due ${momentView(row.run_at)}</span>`
    : html``;
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted().slice(0, NAMES_MAX);
}
