import type { Attempt } from "../errors.ts";
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

export type Heartbeat = {
  /** False once the worker was declared dead. */
  readonly held: boolean;
  readonly cancelRequests: readonly Attempt[];
};

/** Renew the lease, and learn what somebody wants cancelled. */
export async function heartbeatWorker(db: Database, workerId: string): Promise<Heartbeat> {
  const rows = await db.query<{ held: boolean; requests: CancelRequest[] }>({
    name: "heartbeat_worker",
    text: "select held, cancel_requests as requests from triaged.heartbeat_worker($1)",
    values: [workerId],
  });
  return { held: rows[0]?.held === true, cancelRequests: attempts(rows[0]?.requests) };
}

/** The attempts of a worker that somebody wants cancelled. */
export async function cancelRequests(db: Database, workerId: string): Promise<Attempt[]> {
  const rows = await db.query<{ requests: CancelRequest[] }>({
    text: "select triaged.cancel_requests($1) as requests",
    values: [workerId],
  });
  return attempts(rows[0]?.requests);
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

function attempts(requests: readonly CancelRequest[] = []): Attempt[] {
  return requests.map((request) => ({ taskId: request.task_id, attempt: request.attempt }));
}
