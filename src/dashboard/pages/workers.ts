/** Workers: who holds what, since when, and how those ended that have. */
import { z } from "zod";
import { HELD_NAMED_MAX, type ListedWorker, listWorkers } from "../../database/worker-lists.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { emptyState, pageLinks, statusView, table, withQuery } from "../components/lists.ts";
import { momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { definePage } from "../page.ts";

const ROWS = 50;
/** Names of queues or task types that stand there at once. */
const NAMES_MAX = 8;

export const workersPage = definePage({
  path: "/workers",
  nav: "Workers",
  params: z.object({}),
  query: z.strictObject({
    state: z.enum(["alive", "ended"]).default("alive"),
    after: TaskId.optional(),
  }),
  show: async (context, { query: { state, after } }) => {
    const isEnded = state === "ended";
    const { rows, next } = await context.read(
      "workers",
      (db) => listWorkers(db, { isEnded, after, limit: ROWS }),
      { mayLag: true },
    );
    const tab = (name: string, value: string | null, isHere: boolean) =>
      html`<a href="${withQuery(context.url, { state: value, after: null })}"${isHere && html` aria-current="true"`}>${name}</a>`;
    return {
      title: "Workers",
      refresh: "always",
      main: html`<nav class="tabs" aria-label="Which workers">${tab("At work", null, !isEnded)}${tab("Ended in the last 24 hours", "ended", isEnded)}</nav>
        ${table({
          label: isEnded ? "Workers that ended" : "Workers at work",
          head: [
            "Worker",
            "State",
            "Holds",
            "Handles",
            isEnded ? "Ended" : "Last heartbeat",
            "Started",
          ],
          rows: rows.map(rowView),
          empty: isEnded
            ? emptyState("No worker has ended in the last 24 hours.")
            : emptyState(
                "No worker is at work: nothing is claimed.",
                html`<code>triaged work</code> starts one, <code>triaged up</code> starts all that is needed.`,
              ),
        })}
        ${pageLinks(context, next)}`,
    };
  },
});

function rowView(worker: ListedWorker): Html {
  const { worker_id: id, host, pid, held, concurrency } = worker;
  const where = [host === null ? "" : `on ${host}`, pid === null ? "" : `process ${pid}`].filter(
    (text) => text !== "",
  );
  return html`<tr>
    <th scope="row">${shownLine(worker.name, 100)} <p class="quiet">worker ${id}${where.length > 0 && html`, ${shownLine(where.join(", "), 200)}`}</p></th>
    <td>${statusView(worker.state)}${worker.end_reason !== null && html`<p class="quiet">${shownLine(worker.end_reason, 200)}</p>`}</td>
    <td>${held} of ${concurrency}${heldView(worker)}</td>
    <td class="long">${namesView(worker.task_types)} <p class="quiet">in ${namesView(worker.queues)}</p></td>
    <td>${momentView(worker.ended_at ?? worker.heartbeat_at)}</td>
    <td>${momentView(worker.started_at)}</td>
  </tr>`;
}

function heldView({ task_ids: ids, held, oldest_started_at: since }: ListedWorker): Html | false {
  if (ids === null || ids.length === 0) return false;
  return html`<p class="quiet">${ids.map((id, at) => html`${at > 0 && ", "}<a href="/ui/tasks/${id}">${id}</a>`)}${held > HELD_NAMED_MAX && " and more"}${
    since !== null && html`; the longest since ${momentView(since)}`
  }</p>`;
}

function namesView(names: readonly string[]): Html {
  const shown = names.slice(0, NAMES_MAX);
  return html`${shown.map((name, at) => html`${at > 0 && ", "}${shownLine(name, 60)}`)}${
    names.length > shown.length && ` and ${names.length - shown.length} more`
  }`;
}
