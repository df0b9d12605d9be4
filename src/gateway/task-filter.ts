/**
 * Which tasks are meant, as an address says it: `status=failed&queue=mail&since=2h`. The dashboard's
 * lists and `--where` of commands take the same.
 */
import { z } from "zod";
import type { OperationFilter } from "../database/operations.ts";
import type { TaskSearch } from "../database/task-search.ts";
import { isRecord } from "../model/json.ts";
import { TASK_STATUSES } from "../model/task-status.ts";
import { Name, TaskId } from "./shapes.ts";

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

/** The same for an operation on all that match. */
export function operationFilter(query: TaskFilterQuery, now: Date): OperationFilter {
  const { createdSince, createdBefore, ...rest } = searchOf(query, now);
  return { ...rest, createdSince, createdBefore };
}

/**
 * The filter that a text says: `status=failed&type=send_mail`, or the address of a list that has it.
 * Throws a ZodError that names what is wrong.
 */
export function parseTaskFilter(text: string): TaskFilterQuery {
  const query = new URLSearchParams(text.slice(text.indexOf("?") + 1));
  query.delete("after");
  const repeated = [...query.keys()].find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw new z.ZodError([
      { code: "custom", path: [repeated], message: "expected once", input: text },
    ]);
  }
  return TaskFilterQuery.parse(Object.fromEntries(query));
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
