import { z } from "zod";
import type { Database } from "../database.ts";

/**
 * A row of history has the time at which its transaction began, and the place in its task's
 * story at which it wrote. A transaction may be this much older than what it wrote after.
 */
const TRANSACTION_HOURS_MAX = 1;

/** From when on something can be said. Text, since a Date would cut the microseconds. */
const Horizon = z.object({
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
 * Find out what retention has left. The catalog tells it, and not the settings: partitions
 * are made for each day, so the newest day that has neither a partition nor rows in the
 * default one may have been dropped, and all before it. Yesterday is never dropped.
 */
export async function readHorizon(db: Database, sinceMs: number | null): Promise<Horizon> {
  // Before the first look, so that it waits for a drop under way and excludes later ones.
  await db.query({
    text: "lock table triaged.live_tasks, triaged.final_tasks, triaged.task_history in access share mode",
  });
  const [row] = await db.query({ text: HORIZON, values: [sinceMs, TRANSACTION_HOURS_MAX] });
  return Horizon.parse(row);
}

const HORIZON = `
  with partitions as (
    select inherited.inhparent::oid as parent,
      to_date(right(partition.relname, 8), 'YYYYMMDD') as day
    from pg_inherits as inherited
    join pg_class as partition on partition.oid = inherited.inhrelid
    where
      inherited.inhparent in ('triaged.final_tasks'::regclass, 'triaged.task_history'::regclass)
      and partition.relname ~ '_[0-9]{8}$'
    union
    select 'triaged.final_tasks'::regclass::oid, (ended_at at time zone 'UTC')::date
    from triaged.final_tasks_default
    union
    select 'triaged.task_history'::regclass::oid, (at at time zone 'UTC')::date
    from triaged.task_history_default
  ),
  -- The newest day without a partition is the one before some partition, or the last one
  -- that retention can have taken.
  missing as (
    select kept.parent, max(candidate.day) as day
    from (
      values ('triaged.final_tasks'::regclass::oid), ('triaged.task_history'::regclass::oid)
    ) as kept (parent)
    cross join lateral (
      select (triaged.now() at time zone 'UTC')::date - 2 as day
      union
      select partitions.day - 1 from partitions where partitions.parent = kept.parent
    ) as candidate
    where
      candidate.day <= (triaged.now() at time zone 'UTC')::date - 2
      and not exists (
        select from partitions
        where partitions.parent = kept.parent and partitions.day = candidate.day
      )
    group by kept.parent
  ),
  kept as (
    select
      max((day + 1)::timestamp at time zone 'UTC')
        filter (where parent = 'triaged.task_history'::regclass) + make_interval(hours => $2)
        as history_from,
      max((day + 1)::timestamp at time zone 'UTC')
        filter (where parent = 'triaged.final_tasks'::regclass) as tasks_from
    from missing
  ),
  wanted as (
    select triaged.now() - make_interval(secs => $1::double precision / 1000) as since
  )
  select
    triaged.now()::text as at,
    coalesce(since, '-infinity')::text as since,
    coalesce(since - make_interval(hours => $2), '-infinity')::text as read_from,
    history_from::text,
    tasks_from::text
  from wanted cross join kept`;
