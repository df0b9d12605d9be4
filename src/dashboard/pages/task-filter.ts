/** The filter of the list of tasks as a form, whose address is the filter. */
import { Place } from "../../gateway/shapes.ts";
import { TaskFilterQuery } from "../../gateway/task-filter.ts";
import { type Html, html } from "../html.ts";

export const TaskListQuery = TaskFilterQuery.extend({ after: Place.optional() });

/** What the lists of the form offer: what the queue knows by now. */
export type KnownNames = {
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly workers: readonly string[];
};

/** As a form whose address is the filter. */
export function filterForm(query: TaskFilterQuery, names: KnownNames): Html {
  const field = (
    name: Exclude<keyof TaskFilterQuery, "status">,
    label: string,
    more: { readonly list?: string; readonly help?: string } = {},
  ) =>
    html`<label>${label}
      <input name="${name}" value="${query[name]}" autocomplete="off" spellcheck="false" maxlength="512"
        ${more.list !== undefined && html`list="${more.list}"`} placeholder="${more.help}"></label>`;
  const isUsed = Object.entries(query).some(
    ([name, value]) => name !== "status" && value !== undefined,
  );
  const isMore = [
    query.repo,
    query.context,
    query.parent,
    query.worker,
    query.payload,
    query.until,
  ].some((value) => value !== undefined);
  return html`<form method="get" action="/ui/tasks" class="card filter" role="search" aria-label="Filter tasks">
    ${query.status !== undefined && html`<input type="hidden" name="status" value="${query.status}">`}
    <div class="fields">
      ${field("type", "Type", { list: "known-types" })}
      ${field("queue", "Queue", { list: "known-queues" })}
      ${field("error", "Error contains")}
      ${field("since", "Created since", { help: "2h, 3d, or a time" })}
      <div class="buttons"><button class="main">Filter</button>
        ${isUsed && html`<a class="button" href="/ui/tasks${query.status !== undefined && `?status=${query.status}`}">Clear</a>`}</div>
    </div>
    <details${isMore && html` open`}><summary>More conditions</summary>
      <div class="fields">
        ${field("repo", "Repository", { help: "org/name" })}
        ${field("context", "Context")}
        ${field("parent", "Parent task", { help: "its id" })}
        ${field("worker", "Worker", { list: "known-workers" })}
        ${field("payload", "Payload has", { help: "name=value" })}
        ${field("until", "Created until", { help: "1h, or a time" })}
      </div>
    </details>
    ${options("known-types", names.types)}${options("known-queues", names.queues)}${options("known-workers", names.workers)}
  </form>`;
}

function options(id: string, values: readonly string[]): Html {
  return html`<datalist id="${id}">${values.map((value) => html`<option value="${value}"></option>`)}</datalist>`;
}
