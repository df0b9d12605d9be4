/** Enqueue: one task, or many. The verbs are described in queue.ts. */
import { toJson } from "../model/json.ts";
import { batchText } from "../model/payload.ts";
import type { NewTask } from "../model/task.ts";
import { inSpan, type Span, SpanKind, TRACEPARENT, traceparentOf } from "../system/tracing.ts";
import type { Queue } from "./queue.ts";
import { EnqueuedRow } from "./rows.ts";

export const enqueueTask: Queue["enqueueTask"] = async (db, task) =>
  await inEnqueueSpan(task, (given) => insertTask(db, given));

/** Enqueue by `insert`, which is given the task with what attempts need to go on in this span. */
export async function inEnqueueSpan<Task extends NewTask, Result>(
  task: Task,
  insert: (task: Task) => Promise<Result>,
): Promise<Result> {
  return await inSpan(`enqueue ${task.taskType}`, spanOptions(task.queue, 1), (span) =>
    insert({ ...task, ...traced(task, span) }),
  );
}

/** enqueueTask, for a caller who has a span of the task. */
export const insertTask: Queue["enqueueTask"] = async (db, { delayMs, ...task }) => {
  const [row] = await db.query({
    text: `select task_id, outcome
           from triaged.enqueue_plain_task(
             task_type => $1, payload => $2::jsonb, queue => $3, priority => $4,
             run_at => coalesce(
               $5::timestamptz,
               triaged.now() + make_interval(secs => $12::double precision / 1000)
             ),
             max_attempts => $6, dedupe_key => $7, dedupe_mode => $8,
             dedupe_for => make_interval(secs => $9::double precision / 1000),
             parent_task_id => $10, metadata => $11::jsonb
           )`,
    values: [
      task.taskType,
      task.payload,
      task.queue ?? "default",
      task.priority ?? "medium",
      runAtOf(task) ?? null,
      task.maxAttempts ?? null,
      task.dedupeKey ?? null,
      task.dedupeMode ?? "keep",
      task.dedupeForMs ?? null,
      task.parentTaskId ?? null,
      toJson(task.metadata ?? {}),
      delayMs ?? null,
    ],
  });
  return EnqueuedRow.parse(row);
};

export const enqueueTasks: Queue["enqueueTasks"] = async (db, tasks) =>
  await inSpan("enqueue", spanOptions(undefined, tasks.length), (span) =>
    insertTasks(
      db,
      span === null ? tasks : tasks.map((task) => ({ ...task, ...traced(task, span) })),
    ),
  );

/** Metadata by which attempts go on in the trace of who enqueues; those given come first. */
function traced(
  { metadata }: Pick<NewTask, "metadata">,
  span: Span | null,
): Pick<NewTask, "metadata"> {
  const traceparent = span === null ? null : traceparentOf(span);
  return traceparent === null ? {} : { metadata: { [TRACEPARENT]: traceparent, ...metadata } };
}

function spanOptions(queue: string | undefined, tasks: number) {
  return {
    kind: SpanKind.PRODUCER,
    attributes: {
      "messaging.system": "triaged",
      "messaging.operation.type": "send",
      "messaging.batch.message_count": tasks,
      ...(queue === undefined ? {} : { "messaging.destination.name": queue }),
    },
  };
}

/** enqueueTasks, for a caller who has spans of the tasks. */
export const insertTasks: Queue["enqueueTasks"] = async (db, tasks) => {
  const rows = await db.query({
    text: `select task_id, outcome from triaged.enqueue_tasks($1::jsonb) order by "position"`,
    values: [batchText(tasks.map(asJson))],
  });
  return rows.map((row) => EnqueuedRow.parse(row));
};

/** The payload is JSON already, so it is put in as it is. */
function asJson(task: NewTask): string {
  const settings = toJson({
    task_type: task.taskType,
    queue: task.queue,
    priority: task.priority,
    run_at: runAtOf(task),
    max_attempts: task.maxAttempts,
    dedupe_key: task.dedupeKey,
    dedupe_mode: task.dedupeMode,
    dedupe_for: task.dedupeForMs === undefined ? undefined : `${task.dedupeForMs} milliseconds`,
    parent_task_id: task.parentTaskId,
    metadata: task.metadata,
  });
  return `${settings.slice(0, -1)},"payload":${task.payload}}`;
}

/** As JSON an invalid Date is null, which would mean now. */
function runAtOf({ runAt }: NewTask): Date | undefined {
  if (Number.isNaN(runAt?.getTime())) {
    throw new RangeError("expected runAt to be a point in time, got an invalid Date");
  }
  return runAt;
}
