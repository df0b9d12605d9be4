import { DatabaseError, type QueryResultRow } from "pg";
import type { Queryable } from "../../src/database/database.ts";
import { found, waitFor } from "./connections.ts";

type Row = Record<string, unknown>;

/** A task as a claim hands it out; bigint columns are text. */
export type Claimed = Row & { task_id: string; attempt_count: number; run_at: Date };
export type Outcome = Row & { task_id: string; attempt: number; outcome: string };
/** A row of the view tasks, with the types of those columns that tests look at most. */
export type TaskRow = Row & {
  status: string;
  result: unknown;
  error: string | null;
  attempt_count: number;
  failure_count: number;
  rescue_count: number;
  run_at: Date;
  progress_pct: number | null;
  current_step: string | null;
};
export type Settled = { task_id: string; attempt: number; status: string };

/** Run a statement and return its rows. */
export async function query<R extends QueryResultRow = Row>(
  db: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  return (await db.query<R>(text, [...values])).rows;
}

/** The one row that a statement must return. */
export async function queryOne<R extends QueryResultRow = Row>(
  db: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<R> {
  return found((await query<R>(db, text, values))[0]);
}

/** Call a function of the queue by the names of its arguments; an object goes as JSON. */
export async function call<R extends QueryResultRow = Row>(
  db: Queryable,
  name: string,
  given: Row = {},
): Promise<R[]> {
  const named = Object.keys(given).map((key, index) => `${key} => $${index + 1}`);
  const values = Object.values(given).map((value) =>
    isPlainObject(value) ? JSON.stringify(value) : value,
  );
  return await query<R>(db, `select * from triaged.${name}(${named.join(", ")})`, values);
}

/** Stop the queue's clock at `instant`, for this transaction. */
export async function setClock(db: Queryable, instant: string): Promise<void> {
  await db.query("select set_config('triaged.fake_now', $1, true)", [instant]);
}

/** Enqueue a task, by default one of type `noop`; resolves to its id. */
export async function enqueue(db: Queryable, given: Row = {}): Promise<string> {
  const rows = await call<{ task_id: string }>(db, "enqueue_task", { task_type: "noop", ...given });
  return found(rows[0]).task_id;
}

/** Register a worker, by default one for `noop`; resolves to its id. */
export async function startWorker(db: Queryable, given: Row = {}): Promise<string> {
  const rows = await call<{ register_worker: string }>(db, "register_worker", {
    name: "test",
    task_types: ["noop"],
    ...given,
  });
  return found(rows[0]).register_worker;
}

/** Claim for a worker, over all of its lanes unless others are given. */
export async function claimTasks(db: Queryable, workerId: string, given: Row = {}) {
  return await call<Claimed>(db, "claim_tasks", { worker_id: workerId, max_tasks: 100, ...given });
}

/** Claim for a worker of one lane, by default that of `enqueue`. */
export async function claimLane(db: Queryable, workerId: string, given: Row = {}) {
  const {
    queue = "default",
    task_type = "noop",
    priority = 2,
    after_run_at = null,
    after_task_id = null,
    ...others
  } = given;
  return await claimTasks(db, workerId, {
    queues: [queue],
    task_types: [task_type],
    priorities: [priority],
    after_run_ats: [after_run_at],
    after_task_ids: [after_task_id],
    ...others,
  });
}

/** Claim the one task of type `noop` that is due, as a new worker. */
export async function claim(db: Queryable): Promise<Claimed> {
  return found((await claimTasks(db, await startWorker(db), { max_tasks: 1 }))[0]);
}

/** Enqueue a task and claim it. */
export async function startTask(db: Queryable, given: Row = {}): Promise<Claimed> {
  await enqueue(db, given);
  return await claim(db);
}

/** Settle attempts; resolves to those that were held. */
export async function settle(db: Queryable, outcomes: readonly Outcome[]): Promise<Settled[]> {
  return await call<Settled>(db, "settle_tasks", { outcomes: JSON.stringify(outcomes) });
}

/** The outcome of the attempt that a claim began. */
export function outcomeOf(task: Claimed, outcome: string, more: Row = {}): Outcome {
  return { task_id: task.task_id, attempt: task.attempt_count, outcome, ...more };
}

/** Whom history names where no worker and no setting says otherwise. */
export async function currentRole(db: Queryable): Promise<string> {
  return (await queryOne<{ role: string }>(db, "select session_user::text as role")).role;
}

export async function readTask(db: Queryable, taskId: string): Promise<TaskRow> {
  return await queryOne<TaskRow>(db, "select * from triaged.tasks where task_id = $1", [taskId]);
}

/** Wait until the task has the status, and resolve to its row. */
export async function waitForStatus(
  db: Queryable,
  taskId: string,
  status: string,
): Promise<TaskRow> {
  return found(
    await waitFor(
      async () => {
        const task = await readTask(db, taskId);
        return task.status === status ? task : undefined;
      },
      { deadlineMs: 20_000 },
    ),
  );
}

/** Several tasks, in the order of their ids as given. */
export async function readTasks(db: Queryable, taskIds: readonly string[]): Promise<TaskRow[]> {
  return await query<TaskRow>(
    db,
    `select tasks.* from unnest($1::bigint[]) with ordinality as given (task_id, place)
     join triaged.tasks using (task_id) order by place`,
    [taskIds],
  );
}

/** The history of a task, oldest first. */
export async function readHistory(db: Queryable, taskId: string): Promise<Row[]> {
  return await query(
    db,
    "select * from triaged.task_history where task_id = $1 order by history_id",
    [taskId],
  );
}

/** What happened to a task, oldest first. */
export async function readEvents(db: Queryable, taskId: string): Promise<unknown[]> {
  return (await readHistory(db, taskId)).map((row) => row["event"]);
}

/** The story of a task: event and status, oldest first. */
export async function readStory(db: Queryable, taskId: string): Promise<string[]> {
  return (await readHistory(db, taskId)).map(
    ({ event, status }) => `${String(event)} ${String(status)}`,
  );
}

/** Run what must be refused, and take back what it did to the transaction of `db`. */
export async function refusal(
  db: Queryable,
  statement: () => Promise<unknown>,
): Promise<DatabaseError> {
  await db.query("savepoint refusal");
  try {
    await statement();
  } catch (err) {
    await db.query("rollback to savepoint refusal");
    if (err instanceof DatabaseError) {
      return err;
    }
    throw err;
  }
  throw new Error("expected a refusal, got none");
}

function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
