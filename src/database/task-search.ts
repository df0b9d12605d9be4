/** Tasks by conditions that no index has: looked for among the newest, so many at a time. */
import { z } from "zod";
import { toJson } from "../model/json.ts";
import type { TaskFilter } from "./arguments.ts";
import { columnsOf, type Database, isoTime } from "./database.ts";
import { PAGE_PLACE } from "./reader.ts";
import { ListedRow } from "./rows.ts";

/**
 * How many tasks the looks of one page are at: the first is enough where many match. To plan a
 * look takes as long as to look at a thousand.
 */
const LOOKS = [500, 4_500] as const;

/** As TaskFilter, and conditions on what is found by that; all of what is given must hold. */
export type TaskSearch = Omit<TaskFilter, "limit" | "offset"> & {
  /** Name or id of the worker that holds the task. */
  readonly worker?: string | undefined;
  /** A text that the error contains, in any case. */
  readonly error?: string | undefined;
  /** What the payload contains. */
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
  readonly createdSince?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  /** Of the page, 1 to 100. */
  readonly limit: number;
};

export type FoundTasks = {
  readonly rows: readonly ListedRow[];
  /** What `after` is for the next page; null behind the last. */
  readonly next: string | null;
  /** How many of the newest were looked at where not all of them were; null: all. */
  readonly lookedAt: number | null;
};

const Looked = z.object({
  looked: z.coerce.number(),
  last_created_at: z.string(),
  last_task_id: z.string(),
  /** Null: none of them matches. */
  created_at: z.string().nullable(),
  task_id: z.string().nullable(),
});

/**
 * A page of tasks, the newest first. Where few of many match it ends after 5,000 tasks, and `next`
 * goes on behind these: a page takes about as long whatever is asked for.
 */
export async function searchTasks(db: Database, search: TaskSearch): Promise<FoundTasks> {
  const workerId = search.worker === undefined ? null : await workerIdOf(db, search.worker);
  if (search.worker !== undefined && workerId === null) {
    return { rows: [], next: null, lookedAt: null };
  }
  const rows: ListedRow[] = [];
  let after = search.after;
  let lookedAt = 0;
  for (const atOnce of LOOKS) {
    const wanted = search.limit - rows.length;
    const lookedMax = isPlain(search) ? wanted + 1 : atOnce;
    const found = await lookOnce(db, { ...search, after, wanted, lookedMax, workerId });
    lookedAt += found.looked;
    rows.push(...found.rows);
    after = found.next ?? undefined;
    if (found.next === null || rows.length >= search.limit) {
      return { rows, next: found.next, lookedAt: null };
    }
  }
  return { rows, next: after ?? null, lookedAt };
}

type Look = TaskSearch & {
  readonly wanted: number;
  readonly lookedMax: number;
  readonly workerId: string | null;
};

async function lookOnce(
  db: Database,
  look: Look,
): Promise<{ rows: ListedRow[]; next: string | null; looked: number }> {
  const { queue, taskType, status, contextId, repo, parentTaskId } = look;
  const { workerId, wanted, lookedMax } = look;
  const [, time = null, taskId = null] = PAGE_PLACE.exec(look.after ?? "") ?? [];
  const before = time ?? look.createdBefore?.toISOString() ?? null;
  const found = await db.query({
    text: `with looked as materialized (
             select *
             from triaged.list_tasks(
               queue => $1::text, task_type => $2::text, status => $3::text,
               context_id => $4::text, repository => $5::text, parent_task_id => $6::bigint,
               worker_id => $7::bigint, before_created_at => $8::timestamptz,
               before_task_id => $9::bigint, max_rows => $10::integer
             ) as listed
             where $11::timestamptz is null or listed.created_at >= $11
           ), last as (
             select created_at, task_id, count(*) over () as looked
             from looked order by created_at, task_id limit 1
           ), matching as (
             select *
             from looked
             where ($12::text is null or strpos(lower(error), lower($12)) > 0)
               and ($13::jsonb is null or payload @> $13)
             order by created_at desc, task_id desc
             limit $14
           )
           select last.looked, ${isoTime("last.created_at", "last_created_at")},
             last.task_id as last_task_id, ${columnsOf(ListedRow.shape, "tasks.")}
           from last
           left join matching as tasks on true
           order by tasks.created_at desc nulls last, tasks.task_id desc`,
    values: [
      ...[queue, taskType, status, contextId, repo, parentTaskId, workerId].map(
        (one) => one ?? null,
      ),
      before,
      // Without a place, all that is older than the time itself.
      taskId ?? (before === null ? null : "0"),
      lookedMax,
      look.createdSince?.toISOString() ?? null,
      look.error ?? null,
      look.payload === undefined ? null : toJson(look.payload),
      wanted + 1,
    ],
  });
  const [first] = found;
  if (first === undefined) {
    return { rows: [], next: null, looked: 0 };
  }
  const { looked, last_created_at, last_task_id } = Looked.parse(first);
  const matching = found.filter((row) => Looked.parse(row).task_id !== null);
  const shown = matching.slice(0, wanted);
  const isAll = looked < lookedMax;
  // As the server wrote it, since a Date would cut the microseconds.
  const next =
    matching.length > wanted
      ? placeOf(shown.at(-1))
      : isAll
        ? null
        : `${last_created_at}_${last_task_id}`;
  const rows = shown.map((row) => ListedRow.parse(row));
  return { rows, next, looked };
}

function placeOf(row: unknown): string {
  const { created_at, task_id } = Looked.parse(row);
  return `${created_at}_${task_id}`;
}

/** Whether list_tasks knows all conditions. */
function isPlain({ error, payload }: TaskSearch): boolean {
  return error === undefined && payload === undefined;
}

async function workerIdOf(db: Database, worker: string): Promise<string | null> {
  const [row] = await db.query({
    text: `select worker_id
           from triaged.worker_activity
           where name = $1 or worker_id::text = $1
           order by worker_activity.worker_id desc
           limit 1`,
    values: [worker],
  });
  return row === undefined ? null : z.object({ worker_id: z.string() }).parse(row).worker_id;
}
