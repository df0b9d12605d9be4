/**
 * A task of another system, as that system wrote it, and as a row of this queue. Names of columns
 * are read as the older systems spelled them (docs/moving.md has the table); what no column here
 * takes is kept: in the payload, or in `metadata.imported`.
 */
import { isRecord, toJson } from "../model/json.ts";
import { givenIdOf, PRIORITY_NAMES } from "../model/task.ts";
import { isFinal, readStatus, type TaskStatus } from "../model/task-status.ts";

export type ForeignRecord = Readonly<Record<string, unknown>>;

export type ForeignTask = {
  /** As messages name it, such as `task 7 of queue.json`. */
  readonly place: string;
  /** Its id in this queue's `given_id`. */
  readonly id: string;
  /** The `id` of its parent there; null: it has none. */
  readonly parentId: string | null;
  readonly status: TaskStatus | "blocked";
  /** Columns of the view `tasks`, and `worker_name`; without status, ids and lineage. */
  readonly columns: ForeignRecord;
  /** Columns that only a task that has ended may have. */
  readonly ended: ForeignRecord;
  /** What is kept under `metadata.imported`. */
  readonly kept: ForeignRecord;
};

/** A record that cannot be read as a task; the message says which, and why. */
export class ForeignTaskError extends Error {
  override readonly name = "ForeignTaskError";
}

/** By column here: how the older systems call it, the first that is stated counts. */
const NAMES = {
  id: ["task_id", "id"],
  parent: ["parent_task_id", "parent_id"],
  type: ["task_type", "type", "skill_name", "kind"],
  status: ["status", "state"],
  queue: ["queue", "queue_name"],
  priority: ["priority"],
  payload: ["payload", "input_data", "input", "data"],
  createdAt: ["created_at", "created", "submitted_at"],
  runAt: ["run_at", "scheduled_for", "scheduled_at"],
  startedAt: ["started_at"],
  endedAt: ["ended_at", "completed_at", "failed_at", "cancelled_at", "canceled_at", "finished_at"],
  updatedAt: ["updated_at", "last_updated"],
  worker: ["worker_id", "worker_name", "claimed_by", "assigned_to", "assigned_agent", "agent"],
  result: ["result", "result_data", "output"],
  artifacts: ["artifacts"],
  error: ["error", "error_message", "failure_reason", "last_error"],
  attempts: ["attempt_count", "attempts"],
  maxAttempts: ["max_attempts"],
  progress: ["progress_pct", "progress"],
  step: ["current_step", "step"],
  prompt: ["decision_prompt"],
  decision: ["decision"],
  metadata: ["metadata"],
  context: ["context_id"],
} as const satisfies Record<string, readonly string[]>;
type Field = keyof typeof NAMES;

/** Labels: they say how a task is handled, and are no input of its handler. */
const LABELS = ["tags", "labels", "sla_minutes", "timeout_minutes"];
/** What follows from the rest here. */
const DERIVED = ["root_task_id", "rescue_count", "failure_count", "dedupe_key", "given_id"];

/** Takes fields of a record one after the other; what is left is what nobody knew. */
class Fields {
  readonly #left: Map<string, unknown>;
  readonly place: string;

  constructor(record: ForeignRecord, place: string) {
    this.place = place;
    this.#left = new Map(
      Object.entries(record)
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => [snakeCase(name), value]),
    );
  }

  /** The first of its names that is stated; undefined: none is. The others are spent as well. */
  take(field: Field): unknown {
    const names = NAMES[field].filter((name) => this.#left.has(name));
    const [first] = names;
    const value = first === undefined ? undefined : this.#left.get(first);
    // Of several names for one column, the rest stays as what it is, unless it says the same.
    for (const name of names) {
      if (name === first || toJson(this.#left.get(name)) === toJson(value)) this.#left.delete(name);
    }
    return value;
  }

  takeAll(names: readonly string[]): ForeignRecord {
    const taken = names.filter((name) => this.#left.has(name));
    const values = Object.fromEntries(taken.map((name) => [name, this.#left.get(name)]));
    for (const name of taken) this.#left.delete(name);
    return values;
  }

  rest(): ForeignRecord {
    return Object.fromEntries(this.#left);
  }

  text(field: Field): string | undefined {
    const value = this.take(field);
    if (value === undefined) return undefined;
    return typeof value === "string" ? value : toJson(value);
  }

  integer(field: Field, max: number): number | undefined {
    const value = this.take(field);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 0 || number > max) {
      throw this.error(`expected ${NAMES[field][0]} to be 0 to ${max}, got ${shown(value)}`);
    }
    return number;
  }

  time(field: Field): string | undefined {
    const value = this.take(field);
    if (value === undefined) return undefined;
    const text = timeText(value);
    if (text === null) {
      throw this.error(`expected ${NAMES[field][0]} to be a point in time, got ${shown(value)}`);
    }
    return text;
  }

  error(problem: string): ForeignTaskError {
    return new ForeignTaskError(`${this.place}: ${problem}`);
  }
}

/**
 * Read a record as a task. `system` goes before an id that is a bare number, which would be taken
 * for a number of this queue. Throws a ForeignTaskError for what is no task.
 */
export function readForeignTask(
  record: unknown,
  { place, system }: { readonly place: string; readonly system: string },
): ForeignTask {
  if (!isRecord(record)) {
    throw new ForeignTaskError(`${place}: expected a JSON object, got ${shown(record)}`);
  }
  const fields = new Fields(record, place);
  const givenId = fields.text("id");
  if (givenId === undefined) throw fields.error("it has neither task_id nor id");
  const taskType = fields.text("type");
  // Asked of the database for all tasks at once, it would be nobody's error.
  if (givenId.includes("\0")) throw fields.error("its id has a NUL character");
  if (taskType === undefined) throw fields.error("it has no task_type, type or skill_name");
  const { status, told } = statusOf(fields);
  const derived = fields.takeAll(DERIVED);
  const { ended, kept } = readEnd(fields, { status, told });
  const parent = fields.text("parent");
  const columns = {
    // The older orchestrator named skills after their tasks.
    task_type: taskType.replace(/^trigger_/, ""),
    queue: fields.text("queue"),
    priority: readPriority(fields),
    max_attempts: fields.integer("maxAttempts", 100) || undefined,
    created_at: fields.time("createdAt"),
    run_at: fields.time("runAt"),
  };
  const context = fields.text("context");
  const labels = fields.takeAll(LABELS);
  const metadata = fields.take("metadata");
  const { payload, unknown } = readPayload(fields);
  return {
    place,
    id: givenIdOf(givenId, system),
    parentId: parent === undefined ? null : givenIdOf(parent, system),
    status: readStatus(status, ended.error) ?? status,
    columns: stated({
      ...columns,
      payload,
      metadata: {
        ...(isRecord(metadata) ? metadata : stated({ metadata })),
        ...labels,
        ...stated({ context_id: context }),
      },
    }),
    ended: stated(ended),
    kept: stated({ system, id: givenId, parent_id: parent, ...derived, ...unknown, ...kept }),
  };
}

/** A2A has an object: the state, since when, and a message. */
function statusOf(fields: Fields): { status: ForeignTask["status"]; told: ForeignRecord } {
  const given = fields.take("status") ?? "queued";
  const told: ForeignRecord = isRecord(given) ? given : { state: given };
  const status = readStatus(String(told["state"]));
  if (status === undefined) {
    throw fields.error(`unknown status ${shown(told["state"])}`);
  }
  return { status, told };
}

/** What the end of the task has of columns, and what is kept beside them. */
function readEnd(
  fields: Fields,
  { status, told }: { readonly status: ForeignTask["status"]; readonly told: ForeignRecord },
) {
  const { state: _, message, timestamp, ...more } = told;
  const artifacts = fields.take("artifacts");
  const result = fields.take("result");
  const isError = status === "failed" || status === "cancelled";
  const error = fields.text("error");
  const updatedAt = fields.time("updatedAt") ?? timeText(timestamp) ?? undefined;
  const progress = fields.take("progress");
  const percent = Number(progress);
  const isPercent = Number.isInteger(percent) && percent >= 0 && percent <= 100;
  const ended = {
    result:
      artifacts === undefined
        ? result
        : { ...(isRecord(result) ? result : stated({ result })), artifacts },
    error: error ?? (isError ? messageOf(message) : undefined),
    started_at: fields.time("startedAt"),
    ended_at: fields.time("endedAt") ?? (isEndOf(status) ? updatedAt : undefined),
    worker_name: fields.text("worker"),
    attempt_count: fields.integer("attempts", 1_000_000),
    progress_pct: isPercent ? percent : undefined,
    current_step: fields.text("step"),
    decision_prompt: fields.text("prompt"),
    decision: fields.take("decision"),
  };
  const isTold = isError && error === undefined;
  const kept = {
    updated_at: updatedAt,
    progress: isPercent ? undefined : progress,
    status_message: isTold ? undefined : message,
    ...more,
  };
  return { ended, kept };
}

function isEndOf(status: ForeignTask["status"]): boolean {
  return status !== "blocked" && isFinal(status);
}

function messageOf(message: unknown): string | undefined {
  if (message === undefined || message === null) return undefined;
  return typeof message === "string" ? message : toJson(message);
}

/** Words, 0 to 3, or nothing. */
function readPriority(fields: Fields): string | undefined {
  const given = fields.take("priority");
  if (given === undefined) return undefined;
  const word = (typeof given === "string" ? given : toJson(given)).toLowerCase();
  const known: Readonly<Record<string, string>> = { urgent: "critical", normal: "medium" };
  const name = known[word] ?? word;
  if (!/^[0-3]$/.test(name) && !PRIORITY_NAMES.some((each) => each === name)) {
    throw fields.error(
      `expected priority to be 0 to 3 or ${PRIORITY_NAMES.join(", ")}, got ${shown(given)}`,
    );
  }
  return name;
}

/** A task without a payload of its own was its fields. */
function readPayload(fields: Fields): { payload: ForeignRecord; unknown: ForeignRecord } {
  const given = fields.take("payload");
  if (given === undefined) return { payload: fields.rest(), unknown: {} };
  return { payload: isRecord(given) ? given : { value: given }, unknown: fields.rest() };
}

/**
 * An object for `insert_row`. A task that waits has no end, no worker and no count of attempts yet:
 * what it had of them there is kept in its metadata. `parentTaskId` is a number of this queue.
 */
export function rowOf(
  task: ForeignTask,
  { status, parentTaskId }: { readonly status: TaskStatus; readonly parentTaskId: string | null },
): ForeignRecord & { readonly given_id: string } {
  const { metadata, ...others } = task.columns;
  const [given, told] = isFinal(status)
    ? [task.ended, task.kept]
    : [{}, { ...task.kept, ...task.ended }];
  const { columns, ended, impossible } = withoutImpossibleTimes(others, given);
  const kept = { ...told, ...impossible };
  return {
    ...columns,
    ...ended,
    metadata: { ...(isRecord(metadata) ? metadata : {}), imported: kept },
    status,
    given_id: task.id,
    ...(parentTaskId === null ? {} : { parent_task_id: parentTaskId }),
  };
}

/** Clocks of two machines differ; what lies further in the future is an error, and refused. */
const SKEW_MS_MAX = 3_600_000;

/**
 * Leave out times that only clocks which differ can have made: a little in the future, or after
 * the end of the task. The database puts the nearest possible one in their place.
 */
function withoutImpossibleTimes(columns: ForeignRecord, ended: ForeignRecord) {
  const now = Date.now();
  const isAhead = (value: unknown) => msOf(value) > now && msOf(value) <= now + SKEW_MS_MAX;
  const end = isAhead(ended["ended_at"]) ? undefined : ended["ended_at"];
  const isAfterEnd = (value: unknown) => end !== undefined && msOf(value) > msOf(end);
  const impossible = Object.fromEntries(
    [
      ["created_at", columns["created_at"]] as const,
      ["started_at", ended["started_at"]] as const,
      ["ended_at", ended["ended_at"]] as const,
    ].filter(([, value]) => isAhead(value) || isAfterEnd(value)),
  );
  const without = (record: ForeignRecord): ForeignRecord =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !(name in impossible)));
  return { columns: without(columns), ended: without(ended), impossible };
}

/** Of a text that timeText made; NaN, which is neither before nor after, for nothing. */
function msOf(value: unknown): number {
  if (typeof value !== "string") return Number.NaN;
  return Date.parse(value.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
}

/** A time without a zone is of UTC; a number is of seconds, or if that large of milliseconds. */
function timeText(value: unknown): string | null {
  if (typeof value === "number") {
    const date = new Date(value > 1e11 ? value : value * 1000);
    return Number.isNaN(date.getTime()) ? null : date.toISOString();
  }
  if (typeof value !== "string") return null;
  const text = value.trim();
  if (/^\d{9,13}$/.test(text)) return timeText(Number(text));
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return null;
  const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/i.test(text.slice(10)) ? text : `${text}Z`;
  return Number.isNaN(Date.parse(zoned.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00")))
    ? null
    : zoned;
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

function stated(values: ForeignRecord): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  );
}

const SHOWN_MAX = 80;

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : toJson(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
