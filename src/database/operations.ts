/**
 * What people did, and operations on all tasks that match a filter. Like the verbs of queue.ts,
 * each takes a pool or a transaction, and rejects with the errors that queue.ts names.
 */
import { z } from "zod";
import { toJson } from "../model/json.ts";
import {
  type BulkAction,
  OPERATION_ACTIONS,
  OPERATION_DOORS,
  OPERATION_STATUSES,
  type OperationAction,
  type OperationDoor,
  type Saying,
} from "../model/operation.ts";
import type { TaskStatus } from "../model/task-status.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { Count } from "./rows.ts";

/**
 * A database whose statements say who acts, why, and through which door: each until the end of its
 * transaction. Only for verbs that are a call of one function, `select triaged.f(…)`, since the
 * settings come in the same statement: a pool may run the next one elsewhere.
 */
export function saying(
  db: Database,
  { actor, reason, door }: Saying & { readonly door: OperationDoor },
): Database {
  const settings = Object.entries({ actor, reason, door }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    schema: db.schema,
    query: (statement) => {
      const values = [...(statement.values ?? [])];
      const calls = settings.map(([name, value]) => {
        values.push(value);
        return `set_config('triaged.${name}', $${values.length}, true)`;
      });
      return db.query({
        text: `with said as materialized (select ${calls.join(", ")}) ${statement.text} from said`,
        values,
      });
    },
  };
}

/** Which tasks; all of what is given must hold. Times are points in time. */
export type OperationFilter = {
  readonly status?: TaskStatus | undefined;
  readonly taskType?: string | undefined;
  readonly queue?: string | undefined;
  /** The `source_repo` or the `target_repo` in its payload. */
  readonly repo?: string | undefined;
  /** The `context_id` in its metadata. */
  readonly contextId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  /** Name or id of the worker that holds the task, or held it last. */
  readonly worker?: string | undefined;
  /** A text that the error contains, in any case. */
  readonly error?: string | undefined;
  /** What SQL's error_shape makes of the error: numbers and ids as `#`. */
  readonly errorShape?: string | undefined;
  /** Of a failed task, as failures_by_cause names it, such as `timeout`. */
  readonly cause?: string | undefined;
  /** What the payload contains. */
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
  readonly createdSince?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly endedSince?: Date | undefined;
  readonly endedBefore?: Date | undefined;
};

/** What is done with all of them; null: due now. */
export type OperationWork =
  | { readonly action: "retry" | "cancel" }
  | { readonly action: "change_priority"; readonly priority: number }
  | { readonly action: "change_run_at"; readonly runAt: Date | null };

/** As SQL names the conditions. */
function sqlFilter(filter: OperationFilter): Record<string, unknown> {
  const {
    taskType,
    contextId,
    parentTaskId,
    errorShape,
    createdSince,
    createdBefore,
    endedSince,
    endedBefore,
    ...same
  } = filter;
  const named = {
    ...same,
    task_type: taskType,
    context_id: contextId,
    parent_task_id: parentTaskId,
    error_shape: errorShape,
    created_since: createdSince?.toISOString(),
    created_before: createdBefore?.toISOString(),
    ended_since: endedSince?.toISOString(),
    ended_before: endedBefore?.toISOString(),
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

const Preview = z.object({ count: Count, is_estimate: z.boolean() });
/** How many tasks match: counted, or about. */
export type OperationPreview = { readonly count: number; readonly isEstimate: boolean };

/** How many tasks an operation would act on. Rejects with 22023, and TR002 for such a status. */
export async function previewOperation(
  db: Database,
  action: BulkAction,
  filter: OperationFilter,
): Promise<OperationPreview> {
  const [row] = await db.query({
    text: "select count, is_estimate from triaged.preview_operation($1, $2::jsonb)",
    values: [action, toJson(sqlFilter(filter))],
  });
  const { count, is_estimate } = Preview.parse(row);
  return { count, isEstimate: is_estimate };
}

/**
 * Begin an operation on all tasks that match; `triaged jobs` does it, batch by batch. The
 * transaction has a reason, or this rejects with 22023. Answers its id: with a `requestKey` that
 * was used before, the id of then.
 */
export async function startOperation(
  db: Database,
  given: OperationWork & {
    readonly filter: OperationFilter;
    readonly requestKey?: string | undefined;
  },
): Promise<string> {
  const [row] = await db.query({
    text: "select triaged.start_operation($1, $2::jsonb, $3::jsonb, $4) as id",
    values: [
      given.action,
      toJson(sqlFilter(given.filter)),
      given.action === "change_priority"
        ? toJson({ priority: given.priority })
        : given.action === "change_run_at"
          ? toJson({ run_at: given.runAt?.toISOString() ?? null })
          : null,
      given.requestKey ?? null,
    ],
  });
  return z.object({ id: z.string() }).parse(row).id;
}

/** Stop it behind the batch that runs; false where it had ended. Rejects with TR001. */
export async function abortOperation(db: Database, operationId: string): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.abort_operation($1) as aborted",
    values: [operationId],
  });
  return z.object({ aborted: z.boolean() }).parse(row).aborted;
}

const Advanced = z.object({ status: z.enum(OPERATION_STATUSES).nullable() });

/** Do the next batch. Null where another process is at it. Needs the rights of the owner. */
export async function advanceOperation(
  db: Database,
  operationId: string,
): Promise<z.output<typeof Advanced>["status"]> {
  const [row] = await db.query({
    text: "select triaged.advance_operation($1) as status",
    values: [operationId],
  });
  return Advanced.parse(row).status;
}

/** The operations that are not done, the oldest first; at most `limit`. */
export async function runningOperations(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query({
    text: `select operation_id as id from triaged.operation_progress
           where status = 'running' order by operation_id limit $1`,
    values: [limit],
  });
  return rows.map((row) => z.object({ id: z.string() }).parse(row).id);
}

/** An operation; of many tasks with how far it is, else these are null. */
export const OperationRow = z.object({
  operation_id: z.string(),
  at: IsoTime,
  action: z.enum(OPERATION_ACTIONS),
  actor: z.string(),
  /** The login of the database, whatever the session said of itself. */
  login: z.string(),
  reason: z.string().nullable(),
  door: z.enum(OPERATION_DOORS),
  task_id: z.string().nullable(),
  /** What it is of beside the task, by SQL's names: `{"queue": …}`; of many tasks the filter. */
  target: z.record(z.string(), z.unknown()),
  /** What it set. */
  change: z.record(z.string(), z.unknown()).nullable(),
  /** How many tasks matched when it began; about, where `is_estimate`. */
  expected: Count.nullable(),
  is_estimate: z.boolean().nullable(),
  status: z.enum(OPERATION_STATUSES).nullable(),
  matched: Count.nullable(),
  done: Count.nullable(),
  /** Moved on in between, or the dedupe key is taken. */
  skipped: Count.nullable(),
  failed: Count.nullable(),
  last_error: z.string().nullable(),
  updated_at: IsoTime.nullable(),
  ended_at: IsoTime.nullable(),
});
export type OperationRow = z.output<typeof OperationRow>;

const COLUMNS = columnsOf(OperationRow.shape);
const READ = `
  select ${COLUMNS}
  from (
    select operation.*, progress.status, progress.matched, progress.done, progress.skipped,
      progress.failed, progress.last_error, progress.updated_at, progress.ended_at
    from triaged.operations as operation
    left join triaged.operation_progress as progress using (operation_id)
  ) as operation`;

/** Null for one that there is not. */
export async function getOperation(
  db: Database,
  operationId: string,
): Promise<OperationRow | null> {
  const [row] = await db.query({
    text: `${READ} where operation_id = $1`,
    values: [operationId],
  });
  return row === undefined ? null : OperationRow.parse(row);
}

export type OperationsFilter = {
  readonly action?: OperationAction | undefined;
  readonly actor?: string | undefined;
  readonly door?: OperationDoor | undefined;
  readonly taskId?: string | undefined;
  readonly since?: Date | undefined;
  readonly before?: Date | undefined;
  /** Only those that are of many tasks. */
  readonly isBulk?: boolean | undefined;
  /** Only those behind this id: the last of the page before. */
  readonly after?: string | undefined;
  /** 1 to 100. */
  readonly limit: number;
};

/** Operations, the newest first. */
export async function listOperations(
  db: Database,
  filter: OperationsFilter,
): Promise<OperationRow[]> {
  const { action, actor, door, taskId, since, before, isBulk, after, limit } = filter;
  const rows = await db.query({
    text: `${READ}
           where ($1::text is null or action = $1)
             and ($2::text is null or actor = $2)
             and ($3::text is null or door = $3)
             and ($4::bigint is null or task_id = $4)
             and ($5::timestamptz is null or at >= $5)
             and ($6::timestamptz is null or at < $6)
             and ($7::boolean is null or (status is not null) = $7)
             and ($8::bigint is null or operation_id < $8)
           order by operation_id desc
           limit $9`,
    values: [action, actor, door, taskId, since, before, isBulk, after, limit].map(
      (value) => value ?? null,
    ),
  });
  return rows.map((row) => OperationRow.parse(row));
}

const Changed = z.object({ changed: z.boolean() });

/** Priority 0 to 3; false where it had it. Rejects with TR001, and TR002 for a final task. */
export async function changePriority(
  db: Database,
  taskId: string,
  priority: number,
): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.change_priority($1, $2) as changed",
    values: [taskId, priority],
  });
  return Changed.parse(row).changed;
}

/**
 * Have a queued task due at `runAt`; null is now. False where it was due then. Rejects with TR001,
 * and TR002 for one that is not queued.
 */
export async function changeRunAt(
  db: Database,
  taskId: string,
  runAt: Date | null,
): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.change_run_at($1, $2::timestamptz) as changed",
    values: [taskId, runAt?.toISOString() ?? null],
  });
  return Changed.parse(row).changed;
}

/** Delete operations that no history is left of. Answers how many. Needs the owner. */
export async function expireOperations(
  db: Database,
  { rowsMax }: { readonly rowsMax: number },
): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.expire_operations($1) as deleted",
    values: [rowsMax],
  });
  return z.object({ deleted: z.int() }).parse(row).deleted;
}
