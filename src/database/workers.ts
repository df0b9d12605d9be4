/** Workers, from register to end, and the rescue of what they held: the verbs are in queue.ts. */
import { z } from "zod";
import type { Attempt } from "../model/task.ts";
import type { Queue } from "./queue.ts";

export const registerWorker: Queue["registerWorker"] = async (db, worker) => {
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
};

export const lockWorker: Queue["lockWorker"] = async (db, workerId) => {
  const rows = await db.query<{ locked: boolean }>({
    text: "select triaged.lock_worker($1) as locked",
    values: [workerId],
  });
  return rows[0]?.locked === true;
};

export const heartbeatWorker: Queue["heartbeatWorker"] = async (db, workerId) => {
  const rows = await db.query<{ held: boolean; requests: CancelRequest[] }>({
    name: "heartbeat_worker",
    text: "select held, cancel_requests as requests from triaged.heartbeat_worker($1)",
    values: [workerId],
  });
  return { held: rows[0]?.held === true, cancelRequests: attemptsOf(rows[0]?.requests) };
};

export const readCancelRequests: Queue["readCancelRequests"] = async (db, workerId) => {
  const rows = await db.query<{ requests: CancelRequest[] }>({
    text: "select triaged.cancel_requests($1) as requests",
    values: [workerId],
  });
  return attemptsOf(rows[0]?.requests);
};

export const heldAttempts: Queue["heldAttempts"] = async (db, workerId) => {
  return await db.query<Attempt>({
    text: `select task_id as "taskId", attempt_count as attempt
      from triaged.live_tasks
      where task_id = any (triaged.held_task_ids(array[$1::bigint])) and worker_id = $1`,
    values: [workerId],
  });
};

export const releaseUnknownTasks: Queue["releaseUnknownTasks"] = async (db, workerId, known) => {
  const rows = await db.query({
    text: "select from triaged.release_unknown_tasks($1, $2, $3)",
    values: [workerId, known.map(({ taskId }) => taskId), known.map(({ attempt }) => attempt)],
  });
  return rows.length;
};

export const endWorker: Queue["endWorker"] = async (db, workerId, reason) => {
  await db.query({ text: "select triaged.end_worker($1, $2)", values: [workerId, reason] });
};

type CancelRequest = { task_id: string; attempt: number };

function attemptsOf(requests: readonly CancelRequest[] = []): Attempt[] {
  return requests.map((request) => ({ taskId: request.task_id, attempt: request.attempt }));
}

export const rescueTasks: Queue["rescueTasks"] = async (db, options) => {
  return await db.query({
    name: "rescue_tasks",
    text: `select task_id as "taskId", status from triaged.rescue_tasks($1, $2)`,
    values: [options.maxWorkers, options.maxRescues],
  });
};

export const rescueProcess: Queue["rescueProcess"] = async (db, process) => {
  return await db.query({
    text: `select worker_id as "workerId", is_dead as "isDead", tasks, failed
      from triaged.rescue_process($1, $2, $3)`,
    values: [process.host, process.pid, process.maxRescues],
  });
};

export const mendSetback: Queue["mendSetback"] = async (db) => {
  const [row] = await db.query<{ tasks: number }>({
    name: "mend_setback",
    text: "select triaged.mend_setback() as tasks",
  });
  return row?.tasks ?? 0;
};

export const handledTaskTypes: Queue["handledTaskTypes"] = async (db) => {
  const rows = await db.query({
    text: `select distinct unnest(task_types) as task_type
           from triaged.workers where ended_at is null order by 1`,
  });
  return rows.map((row) => z.object({ task_type: z.string() }).parse(row).task_type);
};
