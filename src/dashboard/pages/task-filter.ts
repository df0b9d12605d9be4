/** The filter of the list of tasks: an address, a form, and what the database is asked. */
import { z } from "zod";
import type { TaskSearch } from "../../database/task-search.ts";
import { Name, Place, TaskId } from "../../gateway/shapes.ts";
import { isRecord } from "../../model/json.ts";
import { TASK_STATUSES } from "../../model/task-status.ts";
import { type Html, html } from "../html.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const TIME_HELP = "expected a span such as 30min, 2h or 3d, or a time such as 2026-11-29T14:00Z";

/** `2h`: so long ago; else a point in time. */
const Time = z
  .string()
  .max(40)
  .refine((text) => timeOf(text, new Date()) !== null, { error: TIME_HELP });

const PAYLOAD_HELP = "expected name=value, such as source_repo=org/lib or options.depth=3";

/** `name=value`, where the name may lead into objects, and the value is JSON or a word. */
const PayloadValue = z
  .string()
  .max(500)
  .refine((text) => payloadOf(text) !== null, { error: PAYLOAD_HELP });

const Text = z.string().min(1).max(512);

export const TaskFilterQuery = z.strictObject({
  status: z.enum(TASK_STATUSES).optional(),
  type: Name.optional(),
  queue: Name.optional(),
  repo: Text.optional(),
  context: Text.optional(),
  parent: TaskId.optional(),
  worker: Name.optional(),
  error: Text.optional(),
  payload: PayloadValue.optional(),
  since: Time.optional(),
  until: Time.optional(),
});
export type TaskFilterQuery = z.output<typeof TaskFilterQuery>;

export const TaskListQuery = TaskFilterQuery.extend({ after: Place.optional() });

/** What of it the database is asked; a span counts back from `now`. */
export function searchOf(query: TaskFilterQuery, now: Date): Omit<TaskSearch, "limit" | "after"> {
  const { status, queue, repo, worker, error } = query;
  return {
    status,
    queue,
    repo,
    worker,
    error,
    taskType: query.type,
    contextId: query.context,
    parentTaskId: query.parent,
    payload: query.payload === undefined ? undefined : (payloadOf(query.payload) ?? undefined),
    createdSince: query.since === undefined ? undefined : (timeOf(query.since, now) ?? undefined),
    createdBefore: query.until === undefined ? undefined : (timeOf(query.until, now) ?? undefined),
  };
}

/** A point in time, or so long before `now`; null for what is neither. */
export function timeOf(text: string, now: Date): Date | null {
  const [, count, unit = ""] = /^(\d{1,6})(s|m|min|h|d)$/.exec(text.trim()) ?? [];
  const at =
    count === undefined ? new Date(text) : now.getTime() - Number(count) * (UNIT_MS[unit] ?? 0);
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? null : time;
}

function payloadOf(text: string): Record<string, unknown> | null {
  const at = text.indexOf("=");
  const names = text.slice(0, at).trim().split(".");
  if (at < 1 || names.includes("")) {
    return null;
  }
  const value = valueOf(text.slice(at + 1).trim());
  const nested = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  return isRecord(nested) ? nested : null;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

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
