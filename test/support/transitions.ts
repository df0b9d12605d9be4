import type { Queryable } from "../../src/database/database.ts";
import { isFinal, type TaskEvent, type TaskStatus } from "../../src/model/task-status.ts";
import { claimTasks, query, queryOne, settle, startWorker } from "./tasks.ts";

export type Attempt = { readonly task_id: string; readonly attempt: number };

/** One way to make an event happen, and the status that it leads to. */
export type Firing = {
  readonly name: string;
  readonly event: TaskEvent;
  readonly to: TaskStatus;
  /** Resolves to whether the event happened; rejects where the function refuses it. */
  readonly fire: (db: Queryable, attempt: Attempt) => Promise<boolean>;
};

const settling = (outcome: string) => async (db: Queryable, attempt: Attempt) =>
  (await settle(db, [{ ...attempt, outcome, error: "broken", prompt: "really?" }])).length > 0;

const operating = (statement: string) => async (db: Queryable, attempt: Attempt) => {
  await db.query(statement, [attempt.task_id]);
  return true;
};

/** What a worker says at the end of an attempt. */
export const SETTLING: readonly Firing[] = [
  { name: "finish", event: "finish", to: "finished", fire: settling("finish") },
  { name: "fail", event: "fail", to: "failed", fire: settling("fail") },
  { name: "fail with failures left", event: "fail", to: "queued", fire: settling("retry") },
  { name: "snooze", event: "snooze", to: "queued", fire: settling("snooze") },
  { name: "release", event: "release", to: "queued", fire: settling("release") },
  { name: "ask", event: "ask", to: "needs_decision", fire: settling("ask") },
];

/** What the queue does by itself. */
export const QUEUEING: readonly Firing[] = [
  { name: "claim", event: "claim", to: "started", fire: fireClaim },
  { name: "rescue", event: "rescue", to: "queued", fire: fireRescue },
];

/** What a person does. */
export const OPERATING: readonly Firing[] = [
  {
    name: "decide",
    event: "decide",
    to: "queued",
    fire: operating(`select triaged.decide_task($1, '"yes"')`),
  },
  {
    name: "cancel",
    event: "cancel",
    to: "cancelled",
    fire: operating("select triaged.cancel_task($1)"),
  },
  {
    name: "retry",
    event: "retry",
    to: "queued",
    fire: operating("select triaged.retry_task($1)"),
  },
];

const ATTEMPT = 2;

/** Make a task of that status, due for two minutes, whose worker was silent for an hour. */
export async function seedTask(db: Queryable, status: TaskStatus): Promise<Attempt> {
  const workerId = await startWorker(db);
  await db.query(
    "update triaged.workers set heartbeat_at = now() - interval '1 hour' where worker_id = $1",
    [workerId],
  );
  const { task_id } = await queryOne<{ task_id: string }>(
    db,
    `insert into triaged.${isFinal(status) ? "final_tasks" : "live_tasks"} (
       task_id, task_type, queue, payload, priority, status, run_at, attempt_count,
       failure_count, max_attempts, rescue_count, worker_id, metadata, created_at, started_at,
       ended_at
     )
     overriding system value
     values (
       nextval('triaged.live_tasks_task_id_seq'), 'noop', 'default', '{}', 2, $1,
       now() - interval '2 minutes', $2, 0, 3,
       0, $3, '{}', now(), $4::timestamptz - interval '1 minute', $5
     )
     returning task_id`,
    [
      status,
      ATTEMPT,
      status === "started" ? workerId : null,
      status === "started" ? new Date() : null,
      isFinal(status) ? new Date() : null,
    ],
  );
  return { task_id, attempt: ATTEMPT };
}

async function fireClaim(db: Queryable): Promise<boolean> {
  return (await claimTasks(db, await startWorker(db))).length > 0;
}

async function fireRescue(db: Queryable): Promise<boolean> {
  return (await query(db, "select from triaged.rescue_tasks()")).length > 0;
}
