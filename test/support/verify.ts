/** What verify judges: a queue that went through every event, and rows changed behind its back. */
import type { Client } from "pg";
import { inSchema } from "../../src/database/database.ts";
import { type Report, verifyAudit } from "../../src/database/verify/verify.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  settle,
  startTask,
  startWorker,
} from "./tasks.ts";
import { SETTLING } from "./transitions.ts";

/** The beginning of a statement that puts a row into history. */
export const RECORD = `insert into triaged.task_history
  (task_id, task_type, at, event, status, attempt_count, actor)`;

/** Compare all tasks with their history, or what happened since then. */
export async function verify(db: Client, sinceMs: number | null = null): Promise<Report> {
  return await verifyAudit(inSchema(db), { sinceMs, limitMs: 60_000 });
}

/** Which checks fail, each for which task. */
export function brokenOf(report: Report): string[] {
  return report.violations.map(({ check, task_id }) => `${check} ${task_id}`);
}

/** Run statements with $1, the task, behind the back of the triggers, and so of history. */
export async function plant(
  db: Client,
  taskId: string,
  statements: readonly string[],
): Promise<void> {
  await db.query("set local session_replication_role to replica");
  for (const statement of statements) {
    await db.query(statement, [taskId]);
  }
  await db.query("set local session_replication_role to origin");
}

/** Every transition of docs/task-status.md, and what is recorded beside them. */
export async function workThroughEverything(db: Client): Promise<void> {
  for (const { fire } of SETTLING) {
    const { task_id, attempt_count } = await startTask(db);
    await fire(db, { task_id, attempt: attempt_count });
    await query(db, "select triaged.cancel_task(task_id) from triaged.live_tasks");
  }
  for (const outcome of ["fail", "retry", "snooze", "release", "ask", "cancelled", "finish"]) {
    const task = await startTask(db);
    await call(db, "cancel_task", { task_id: task.task_id });
    await settle(db, [outcomeOf(task, outcome, { error: "broken", prompt: "really?" })]);
  }
  await workThroughRescues(db);
  await workByHand(db);
  await importWhatEnded(db);
  await enqueue(db, { dedupe_key: "once" });
  await enqueue(db, { dedupe_key: "once", dedupe_mode: "replace" });
  await query(
    db,
    "select triaged.retry_task(task_id) from triaged.final_tasks where status = 'failed'",
  );
  await query(db, "select triaged.cancel_task(task_id) from triaged.live_tasks");
  await query(
    db,
    "select triaged.retry_task(task_id) from triaged.final_tasks where status = 'cancelled'",
  );
  for (const task of await claimTasks(db, await startWorker(db), { max_tasks: 5 })) {
    await settle(db, [outcomeOf(task, "ask", { prompt: "really?" })]);
    await call(db, "decide_task", { task_id: task.task_id, decision: "1" });
  }
  await startTask(db);
}

async function workThroughRescues(db: Client): Promise<void> {
  const tasks = [await enqueue(db), await enqueue(db)];
  for (const round of [1, 2, 3]) {
    await claimTasks(db, await startWorker(db));
    if (round === 2) {
      await call(db, "cancel_task", { task_id: tasks[0] });
    }
    await query(db, "update triaged.workers set heartbeat_at = '-infinity'");
    await call(db, "rescue_tasks", { max_workers: 1000 });
  }
}

/** What ended in another system, at once, days ago and years ago. */
async function importWhatEnded(db: Client): Promise<void> {
  for (const status of ["finished", "failed", "cancelled"]) {
    for (const ago of ["0 days", "5 days", "3 years"]) {
      await query(
        db,
        `insert into triaged.tasks (task_type, status, attempt_count, rescue_count, ended_at)
         values ('noop', $1, 3, 1, now() - $2::interval)`,
        [status, ago],
      );
    }
  }
}

/** What people do in psql. */
async function workByHand(db: Client): Promise<void> {
  for (const status of ["queued", "needs_decision", "finished", "failed", "cancelled"]) {
    const { task_id } = await startTask(db);
    await query(db, "update triaged.tasks set status = $2 where task_id = $1", [task_id, status]);
    await query(db, "select triaged.cancel_task(task_id) from triaged.live_tasks");
  }
  const task = await startTask(db);
  await call(db, "cancel_task", { task_id: task.task_id });
  for (const change of [
    "cancel_requested_at = null, failure_count = 1, worker_id = 7",
    "status = 'finished', ended_at = now() - interval '3 years'",
  ]) {
    await query(db, `update triaged.tasks set ${change} where task_id = $1`, [task.task_id]);
  }
  await query(db, "insert into triaged.tasks (task_type) values ('noop')");
  // As the owner of the tables, past the functions: with counters of its own.
  await query(
    db,
    `insert into triaged.live_tasks (
       task_type, payload, run_at, created_at, attempt_count, rescue_count
     )
     values
       ('by-hand', '{}', now(), now(), 4, 2),
       ('by-hand', '{}', now(), now() - interval '1 year', 4, 2)`,
  );
}
