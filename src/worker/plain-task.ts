import { z } from "zod";
import { defineHandler, type Handler, type HandlerContext } from "../handler.ts";
import type { Database, Queryable } from "../postgres/database.ts";
import type { PlainTask } from "./load-handlers.ts";

/** Connections on loan to a task file, as far as the helpers need them. */
export type ClientPool = Queryable & {
  connect(): Promise<Queryable & { release(): void }>;
};

/**
 * Run a task file written for graphile-worker: `(payload, helpers)`. Of its helpers there
 * are logger, job, abortSignal, query, withPgClient and addJob, which enqueues a task. What
 * the function returns is the result.
 */
export function handlerOfPlainTask(
  run: PlainTask,
  { db, pool }: { db: Database; pool: ClientPool },
): Handler {
  return defineHandler({
    payload: z.looseObject({}),
    // The type of a foreign function's arguments cannot be known; graphile-worker has no schema.
    run: (payload, context) =>
      Reflect.apply(run, undefined, [payload, helpersOf(payload, context, { db, pool })]),
  });
}

function helpersOf(
  payload: Record<string, unknown>,
  context: HandlerContext,
  { db, pool }: { db: Database; pool: ClientPool },
) {
  const { task, signal, attempt, maxAttempts, previousError } = context;
  const log =
    (level: "error" | "warn" | "info" | "debug") =>
    (message: string, details: Record<string, unknown> = {}) =>
      context.logger[level](details, message);
  return {
    logger: { error: log("error"), warn: log("warn"), info: log("info"), debug: log("debug") },
    job: {
      id: task.taskId,
      task_identifier: task.taskType,
      payload,
      attempts: attempt,
      max_attempts: maxAttempts,
      last_error: previousError,
    },
    abortSignal: signal,
    query: (text: string, values: readonly unknown[] = []) => pool.query(text, [...values]),
    withPgClient: async <Result>(use: (client: Queryable) => Promise<Result>): Promise<Result> => {
      const client = await pool.connect();
      try {
        return await use(client);
      } finally {
        client.release();
      }
    },
    addJob: (identifier: string, jobPayload: unknown = {}, spec: JobSpec = {}) =>
      addJob(db, identifier, { payload: jobPayload, spec }),
  };
}

/** What graphile-worker calls a task spec, as far as tasks have the like. */
type JobSpec = { runAt?: Date; maxAttempts?: number; jobKey?: string };

async function addJob(
  db: Database,
  identifier: string,
  { payload, spec }: { payload: unknown; spec: JobSpec },
): Promise<{ id: string }> {
  const rows = await db.query<{ id: string }>({
    text: `select task_id as id from triaged.enqueue_task(
      $1, $2, run_at => $3, max_attempts => $4, dedupe_key => $5, dedupe_mode => 'replace')`,
    values: [
      identifier,
      JSON.stringify(payload),
      spec.runAt ?? null,
      spec.maxAttempts ?? null,
      spec.jobKey ?? null,
    ],
  });
  return { id: rows[0]?.id ?? "" };
}
