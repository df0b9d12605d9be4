/** Enqueue: one task, or many. The verbs are described in queue.ts. */
import { toJson } from "../model/json.ts";
import { batchText } from "../model/payload.ts";
import type { NewTask } from "../model/task.ts";
import type { Queue } from "./queue.ts";
import { EnqueuedRow } from "./rows.ts";

export const enqueueTask: Queue["enqueueTask"] = async (db, { delayMs, ...task }) => {
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

export const enqueueTasks: Queue["enqueueTasks"] = async (db, tasks) => {
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
