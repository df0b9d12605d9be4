/** The limits of verify: from when on the tables are whole, and in which ranges it reads them. */
import { z } from "zod";
import { type Database, exactTime } from "../database.ts";

/**
 * A row of history has the time at which its transaction began, and the place in its task's
 * story at which it wrote. A transaction may be this much older than what it wrote after.
 */
const TRANSACTION_HOURS_MAX = 1;

/** From when on something can be said. Text, since a Date would cut the microseconds. */
export const Horizon = z.object({
  /** The moment of the look. */
  at: z.string(),
  /** What happened since then is judged. */
  since: z.string(),
  /** History is read from here on, and before only where a story goes further back. */
  read_from: z.string(),
  /** No row of history since then was dropped. */
  history_from: z.string(),
  /** No task that ended since then was dropped. */
  tasks_from: z.string(),
});
export type Horizon = z.output<typeof Horizon>;

/**
 * Keep what is there until the end of the transaction. Called before the first look: so it waits
 * for a drop or a merge of partitions under way, and its snapshot is not older than that.
 */
export async function holdTables(db: Database): Promise<void> {
  await db.query({
    text: "lock table triaged.live_tasks, triaged.final_tasks, triaged.task_history in access share mode",
  });
}

/**
 * Find out what retention has left. The catalog tells it, and not the settings: each day has a
 * partition, alone or with others, so the newest day that has neither one nor rows in the
 * default partition may have been dropped, and all before it. Yesterday is never dropped.
 */
export async function readHorizon(db: Database, sinceMs: number | null): Promise<Horizon> {
  const [row] = await db.query({ text: HORIZON, values: [sinceMs, TRANSACTION_HOURS_MAX] });
  return Horizon.parse(row);
}

const HORIZON = `
  with kept_days as (
    select table_name, starts_at, ends_at
    from triaged.partitions
    where ends_at is not null
    union all
    select 'final_tasks', day, day + interval '24 hours'
    from (
      select distinct date_trunc('day', ended_at, 'UTC') as day from triaged.final_tasks_default
    ) as stray
    union all
    select 'task_history', day, day + interval '24 hours'
    from (
      select distinct date_trunc('day', at, 'UTC') as day from triaged.task_history_default
    ) as stray
  ),
  -- The newest day without a partition is the one before some partition, or the last one
  -- that retention can have taken.
  missing as (
    select kept.table_name, max(candidate.day) as day
    from (values ('final_tasks'), ('task_history')) as kept (table_name)
    cross join date_trunc('day', triaged.now() - interval '48 hours', 'UTC') as last (day)
    cross join lateral (
      select last.day
      union
      select kept_days.starts_at - interval '24 hours'
      from kept_days
      where kept_days.table_name = kept.table_name
    ) as candidate (day)
    where
      candidate.day <= last.day
      and not exists (
        select from kept_days
        where
          kept_days.table_name = kept.table_name
          and kept_days.starts_at <= candidate.day
          and kept_days.ends_at > candidate.day
      )
    group by kept.table_name
  ),
  kept as (
    select
      max(day + interval '24 hours') filter (where table_name = 'task_history')
        + make_interval(hours => $2) as history_from,
      greatest(
        max(day + interval '24 hours') filter (where table_name = 'final_tasks'),
        -- Rows of an import make a day look kept that may have been dropped.
        (select kept_from from triaged.import_horizon)
      ) as tasks_from
    from missing
  ),
  wanted as (
    select triaged.now() - make_interval(secs => $1::double precision / 1000) as since
  )
  select
    ${exactTime("triaged.now()")} as at,
    ${exactTime("coalesce(since, '-infinity')")} as since,
    ${exactTime("coalesce(since - make_interval(hours => $2), '-infinity')")} as read_from,
    ${exactTime("history_from")} as history_from,
    ${exactTime("tasks_from")} as tasks_from
  from wanted cross join kept`;

/** Tasks with `after < task_id <= until`. */
export type Range = { readonly after: string; readonly until: string };

/** Tasks of each table, and rows of history, that one statement looks at. */
const ROWS_MAX = 20_000;
const TASK_ID_MAX = "9223372036854775807";

/**
 * The range after that one, or the first; null after the last. A range has at most ROWS_MAX
 * rows of each table, except that a task is never cut in two.
 */
export async function nextRange(
  db: Database,
  { read_from }: Horizon,
  before: Range | null,
): Promise<Range | null> {
  if (before?.until === TASK_ID_MAX) {
    return null;
  }
  const after = before?.until ?? "0";
  const [row] = await db.query({
    text: `select coalesce(least(
             (
               select task_id from triaged.live_tasks
               where task_id > $1
               order by task_id offset $3 limit 1
             ),
             (
               select task_id from triaged.final_tasks
               where task_id > $1 and ended_at >= $2
               order by task_id offset $3 limit 1
             ),
             (
               select task_id from triaged.task_history
               where task_id > $1 and at >= $2
               order by task_id offset $3 limit 1
             )
           ), $4::bigint) as until`,
    values: [after, read_from, ROWS_MAX - 1, TASK_ID_MAX],
  });
  return { after, until: z.object({ until: z.string() }).parse(row).until };
}
