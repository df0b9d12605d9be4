import type { Attempt } from "../model/task.ts";
import type { TaskStatus } from "../model/task-status.ts";
import type { Database } from "./database.ts";

/** What a worker says of itself when it begins. */
export type Registration = {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly taskTypes: readonly { readonly name: string; readonly maxAttempts: number }[];
};

/** Begin an incarnation. Returns its worker_id, which is never used again. */
export async function registerWorker(db: Database, worker: Registration): Promise<string> {
  const rows = await db.query<{ workerId: string }>({
    text: `select triaged.register_worker(
        $1, $2, $3, $4, $5, $6, make_interval(secs => $7::double precision / 1000), $8
      ) as "workerId"`,
    values: [
      worker.name,
      worker.taskTypes.map((type) => type.name),
      worker.queues,
      worker.concurrency,
      worker.host,
      worker.pid,
      worker.leaseMs,
      worker.taskTypes.map((type) => type.maxAttempts),
    ],
  });
  const workerId = rows[0]?.workerId;
  if (workerId === undefined) {
    throw new Error("expected register_worker to return an id, got no row");
  }
  return workerId;
}

/** Show that the process lives, on a session of its own. False: declared dead, or taken. */
export async function lockWorker(db: Database, workerId: string): Promise<boolean> {
  const rows = await db.query<{ locked: boolean }>({
    text: "select triaged.lock_worker($1) as locked",
    values: [workerId],
  });
  return rows[0]?.locked === true;
}

type HeartbeatReply = {
  /** False once the worker was declared dead. */
  readonly held: boolean;
  readonly cancelRequests: readonly Attempt[];
};

/** Renew the lease, and learn what somebody wants cancelled. */
export async function heartbeatWorker(db: Database, workerId: string): Promise<HeartbeatReply> {
  const rows = await db.query<{ held: boolean; requests: CancelRequest[] }>({
    name: "heartbeat_worker",
    text: "select held, cancel_requests as requests from triaged.heartbeat_worker($1)",
    values: [workerId],
  });
  return { held: rows[0]?.held === true, cancelRequests: attemptsOf(rows[0]?.requests) };
}

/** The attempts of a worker that somebody wants cancelled. */
export async function readCancelRequests(db: Database, workerId: string): Promise<Attempt[]> {
  const rows = await db.query<{ requests: CancelRequest[] }>({
    text: "select triaged.cancel_requests($1) as requests",
    values: [workerId],
  });
  return attemptsOf(rows[0]?.requests);
}

/**
 * Give back what the worker holds beside the attempts it knows; resolves to how many those
 * are. Not while a claim of the worker is under way.
 */
export async function releaseUnknownTasks(
  db: Database,
  workerId: string,
  known: readonly Attempt[],
): Promise<number> {
  const rows = await db.query({
    text: "select from triaged.release_unknown_tasks($1, $2, $3)",
    values: [workerId, known.map(({ taskId }) => taskId), known.map(({ attempt }) => attempt)],
  });
  return rows.length;
}

/** End an incarnation; what it still holds is released. */
export async function endWorker(db: Database, workerId: string, reason: string): Promise<void> {
  await db.query({ text: "select triaged.end_worker($1, $2)", values: [workerId, reason] });
}

type CancelRequest = { task_id: string; attempt: number };

function attemptsOf(requests: readonly CancelRequest[] = []): Attempt[] {
  return requests.map((request) => ({ taskId: request.task_id, attempt: request.attempt }));
}

/** The attempts that a worker holds, whether it knows of them or not. */
export async function heldAttempts(db: Database, workerId: string): Promise<Attempt[]> {
  return await db.query<Attempt>({
    text: `select task_id as "taskId", attempt_count as attempt
      from triaged.live_tasks
      where worker_id = $1 and status = 'started'`,
    values: [workerId],
  });
}

/** Take back the tasks of workers that died. Returns them, with the status they have now. */
export async function rescueTasks(
  db: Database,
  options: { maxWorkers: number; maxRescues: number },
): Promise<{ taskId: string; status: TaskStatus }[]> {
  return await db.query({
    name: "rescue_tasks",
    text: `select task_id as "taskId", status from triaged.rescue_tasks($1, $2)`,
    values: [options.maxWorkers, options.maxRescues],
  });
}

/** Bring forward what waits for a clock that has gone back; resolves to how many tasks. */
export async function mendSetback(db: Database): Promise<number> {
  const [row] = await db.query<{ tasks: number }>({
    name: "mend_setback",
    text: "select triaged.mend_setback() as tasks",
  });
  return row?.tasks ?? 0;
}

/** What became of one worker of a process that exited. */
type RescuedWorker = {
  readonly workerId: string;
  /** False while the server still sees a session of it. */
  readonly isDead: boolean;
  /** Tasks that were taken back, and how many of them are failed as poisonous. */
  readonly tasks: number;
  readonly failed: number;
};

/** Take back what the workers of a process hold that was seen to exit. */
export async function rescueProcess(
  db: Database,
  process: { readonly host: string; readonly pid: number; readonly maxRescues: number },
): Promise<RescuedWorker[]> {
  return await db.query<RescuedWorker>({
    text: `select worker_id as "workerId", is_dead as "isDead", tasks, failed
      from triaged.rescue_process($1, $2, $3)`,
    values: [process.host, process.pid, process.maxRescues],
  });
}
