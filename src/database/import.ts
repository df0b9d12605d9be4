/** Tasks that are taken over from other systems, and read for the way back. */
import { z } from "zod";
import { toJson } from "../model/json.ts";
import type { TaskStatus } from "../model/task-status.ts";
import type { Database } from "./database.ts";
import { codeOf } from "./sqlstate.ts";

/** `duplicate`: a task with that id was there already, and is the same. */
export type TakenOver =
  | {
      readonly outcome: "created" | "duplicate";
      readonly taskId: string;
      /** Of a duplicate that an import made: the system that it came from. */
      readonly system: string | null;
    }
  | { readonly outcome: "refused"; readonly reason: string };

const TakenOverRow = z.object({
  known: z.string().nullable(),
  system: z.string().nullable(),
  task_id: z.string(),
});

/**
 * Insert `row`, whose keys are columns of the view `tasks` and `worker_name`, as `insert_row` does.
 * A row that is refused leaves the transaction as it was. Throws what the database throws for
 * anything else, such as 42501 where a login may not import tasks that have ended.
 */
export async function takeOverTask(
  db: Database,
  row: Readonly<Record<string, unknown>> & { readonly given_id: string },
): Promise<TakenOver> {
  await db.query({ text: "savepoint take_over" });
  try {
    const [answer] = await db.query({
      text: `select
          known.task_id::text as known,
          case when known.task_id is not null then (
            select task.metadata #>> '{imported,system}'
            from triaged.tasks as task
            where task.task_id = known.task_id
          ) end as system,
          triaged.insert_row($1::jsonb)::text as task_id
        from (select triaged.task_id_of($2) as task_id offset 0) as known`,
      values: [toJson(row), row.given_id],
    });
    await db.query({ text: "release savepoint take_over" });
    const { known, task_id: taskId, system } = TakenOverRow.parse(answer);
    return { outcome: known === null ? "created" : "duplicate", taskId, system };
  } catch (err) {
    if (!isRefusal(err)) throw err;
    await db.query({ text: "rollback to savepoint take_over" });
    return { outcome: "refused", reason: err.message };
  }
}

/**
 * Enqueue a task under an id of its producer, as `insert_row` does: once, however often. Throws
 * 23505 where another task has the id.
 */
export async function enqueueGiven(
  db: Database,
  row: Readonly<Record<string, unknown>> & { readonly given_id: string },
): Promise<void> {
  await db.query({ text: "select triaged.insert_row($1::jsonb)", values: [toJson(row)] });
}

/** What the row itself is to blame for. */
function isRefusal(err: unknown): err is Error {
  return err instanceof Error && /^(22|23|TR00)/.test(codeOf(err) ?? "");
}

/** The task that has this id here, or null. */
export async function findTaskByText(db: Database, id: string): Promise<string | null> {
  const [row] = await db.query<{ task_id: string | null }>({
    text: "select triaged.task_id_of($1)::text as task_id",
    values: [id],
  });
  return row?.task_id ?? null;
}

const CountRow = z.object({ status: z.string(), count: z.coerce.number() });

/** How many tasks have one of these given ids here, by status. */
export async function countByGivenId(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query({
    text: `select status, count(*) as count
      from triaged.tasks
      where given_id is not null and coalesce(given_id, task_id::text) = any ($1::text[])
      group by status
      order by status`,
    values: [ids],
  });
  return new Map(rows.map((row) => CountRow.parse(row)).map((row) => [row.status, row.count]));
}

/** A task as `triaged export` writes it: ids as text, the one that its producer gave first. */
export const ExportedRow = z.object({
  position: z.string(),
  task: z.string(),
});
export type ExportedRow = z.output<typeof ExportedRow>;

/** The next tasks after `position` of an earlier row, in the order of their numbers. */
export async function readForExport(
  db: Database,
  {
    after,
    limit,
    status,
    names,
  }: {
    readonly after: string;
    readonly limit: number;
    readonly status: TaskStatus | null;
    /** Other words for statuses. */
    readonly names: Readonly<Partial<Record<TaskStatus, string>>>;
  },
): Promise<readonly ExportedRow[]> {
  const rows = await db.query({
    text: `select
        task.task_id::text as position,
        (to_jsonb(task) || jsonb_build_object(
          'status', coalesce($4::jsonb ->> task.status, task.status),
          'task_id', coalesce(task.given_id, task.task_id::text),
          'parent_task_id', (
            select coalesce(parent.given_id, parent.task_id::text)
            from triaged.tasks as parent
            where parent.task_id = task.parent_task_id
          ),
          'root_task_id', (
            select coalesce(root.given_id, root.task_id::text)
            from triaged.tasks as root
            where root.task_id = task.root_task_id
          ),
          'worker_id', (
            select worker.name from triaged.workers as worker
            where worker.worker_id = task.worker_id
          )
        ) - 'given_id')::text as task
      from triaged.tasks as task
      where task.task_id > $1::bigint and ($2::text is null or task.status = $2)
      order by task.task_id
      limit $3`,
    values: [after, status, limit, toJson(names)],
  });
  return rows.map((row) => ExportedRow.parse(row));
}
