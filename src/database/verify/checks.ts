/** The checks of verify: one statement judges the tasks of a range by all of them. */
import { z } from "zod";
import { recordedMoves } from "../../model/task-status.ts";
import type { Database } from "../database.ts";
import type { Horizon, Range } from "./horizon.ts";

/** The checks, each named by the sentence that must hold. */
export const CHECKS = [
  "state_follows_history",
  "transitions_are_legal",
  "attempts_do_not_overlap",
  "task_was_enqueued",
  "final_task_has_end",
  "history_has_task",
  "task_is_in_one_table",
  "held_task_is_claimed",
  "operation_is_recorded",
] as const;
export type Check = (typeof CHECKS)[number];

export const Breach = z.object({
  task_id: z.string(),
  /** The row of history at fault, or the last one; null where there is none. */
  history_id: z.string().nullable(),
  problem: z.string(),
});
export type Breach = z.output<typeof Breach>;

const Judgement = z.object({
  check: z.enum(CHECKS),
  /** How many tasks, or rows of history, it looked at. */
  judged: z.coerce.number(),
  /** In how many of them it does not hold. */
  broken: z.coerce.number(),
  /** The first of those. */
  breaches: z.array(Breach),
});
type Judgement = z.output<typeof Judgement>;

/** Look at every task of a range; at most `breachesMax` breaches of each check come back. */
export async function checkRange(
  db: Database,
  range: Range,
  horizon: Horizon,
  breachesMax: number,
): Promise<Judgement[]> {
  const rows = await db.query({
    text: CHECK_RANGE,
    values: [
      range.after,
      range.until,
      horizon.read_from,
      horizon.since,
      horizon.history_from,
      horizon.tasks_from,
      JSON.stringify(recordedMoves()),
      breachesMax,
    ],
  });
  return rows.map((row) => Judgement.parse(row));
}

/**
 * Read the tasks of a range, and their stories; of those that began before the window, also the
 * end of what came before. $1 < task_id <= $2 is the range, $3 = Horizon.read_from.
 *
 * The order of a story is that of history_id: it is drawn while the task's row is locked. The
 * time is not: it is that at which the transaction began.
 */
const READ_STORIES = `
  newer_rows as materialized (
    select history_id, task_id, at, event, status, attempt_count
    from triaged.task_history
    where task_id > $1 and task_id <= $2 and at >= $3
  ),
  newer_tasks as materialized (
    select 'live_tasks' as place, task_id, status, attempt_count, rescue_count, created_at, ended_at
    from triaged.live_tasks
    where task_id > $1 and task_id <= $2
    union all
    select 'final_tasks', task_id, status, attempt_count, rescue_count, created_at, ended_at
    from triaged.final_tasks
    where task_id > $1 and task_id <= $2 and ended_at >= $3
  ),
  newer_ids as materialized (
    select task_id, bool_or(event in ('enqueue', 'import')) as has_enqueue
    from newer_rows
    group by task_id
  ),
  -- Only where a window was asked for. Then these few may have more before it.
  older_than_window as materialized (
    select task_id from (
      select task_id from newer_ids
      where not has_enqueue or task_id not in (select task_id from newer_tasks)
      union
      select task_id from newer_tasks
      where
        greatest(created_at, ended_at) >= $3
        and task_id not in (select task_id from newer_ids)
    ) as known
    where $3 > timestamptz '-infinity'
  ),
  tasks as materialized (
    select * from newer_tasks
    union all
    select final.*
    from older_than_window
    cross join lateral (
      select 'final_tasks', task_id, status, attempt_count, rescue_count, created_at, ended_at
      from triaged.final_tasks
      where task_id = older_than_window.task_id and ended_at < $3
      limit 3
    ) as final
  ),
  recorded as (
    select * from newer_rows
    union all
    select older.*
    from older_than_window
    cross join lateral (
      select history_id, task_id, at, event, status, attempt_count
      from triaged.task_history
      where task_id = older_than_window.task_id and at < $3
      order by history_id desc
      -- One is enough, but for a transaction that began before the window and wrote in it.
      limit 10
    ) as older
  ),
  steps as materialized (
    select
      recorded.*,
      lag(status) over story as status_before,
      lag(attempt_count) over story as attempt_before,
      lag(at) over story as at_before,
      lead(history_id) over story is null as is_last,
      max(history_id) filter (where event in ('enqueue', 'retry'))
        over (partition by task_id) as reset_id,
      -- The same up to this row, and the request to cancel, which a person may make by hand.
      max(history_id) filter (where event in ('enqueue', 'retry')) over story as since_id,
      max(history_id) filter (where (event, status) = ('cancel', 'started') or event = 'manual')
        over story as request_id
    from recorded
    window story as (partition by task_id order by history_id)
  ),
  -- A story as a whole: where it leads, and from where.
  stories as materialized (
    select
      task_id,
      max(history_id) as history_id,
      max(status) filter (where is_last) as status,
      max(attempt_count) filter (where is_last) as attempt_count,
      max(event) filter (where is_last) as event,
      max(at) filter (where is_last) as at,
      -- A row that was inserted by hand begins with 'manual'.
      bool_or(
        event in ('enqueue', 'import') or (event = 'manual' and status_before is null)
      ) as has_beginning,
      -- Null where the count began before what is left of the story.
      case when max(reset_id) is not null
        then count(*) filter (where event = 'rescue' and history_id > reset_id)
      end as rescue_count
    from steps
    group by task_id
  )`;

/**
 * One row for each thing that a check looks at; problem is null where it holds. $4 to $6 are
 * since, history_from and tasks_from of the Horizon, $7 the legal moves.
 */
const JUDGE = `
  select
    'transitions_are_legal' as check, task_id, history_id,
    case
      when (coalesce(status_before, 'none'), event, status) not in (
        select before, event, after
        from jsonb_to_recordset($7::jsonb) as legal (before text, event text, after text)
      ) then format('%s -> %s by %s', coalesce(status_before, 'none'), status, event)
      when status_before = 'started' and status = 'cancelled' and since_id > coalesce(request_id, 0)
        then format('started -> cancelled by %s, but nobody asked for it', event)
    end as problem
  from steps
  where at >= greatest($4, $5::timestamptz) and (at_before >= $5 or event in ('enqueue', 'import'))
  union all
  select
    'attempts_do_not_overlap', task_id, history_id,
    case
      when event = 'claim' and (attempt_count <> attempt_before + 1 or status_before = 'started')
        then format('attempt %s was claimed while attempt %s was %s',
          attempt_count, attempt_before, status_before)
      when
        event = 'manual'
        and attempt_count
          < attempt_before + (status_before = 'queued' and status = 'started')::integer
        then format('attempt %s after attempt %s, by hand', attempt_count, attempt_before)
      when event not in ('claim', 'manual') and attempt_count <> attempt_before
        then format('%s of attempt %s, but attempt %s was claimed last',
          event, attempt_count, attempt_before)
    end
  from steps
  where at >= greatest($4, $5::timestamptz) and at_before >= $5
  union all
  -- failure_count is not compared: an update of it by hand leaves no history.
  select
    'state_follows_history', task_id, stories.history_id,
    case
      when (tasks.status, tasks.attempt_count) <> (stories.status, stories.attempt_count)
        then format('%s, attempt %s in %s, but %s, attempt %s by history',
          tasks.status, tasks.attempt_count, place, stories.status, stories.attempt_count)
      when tasks.rescue_count <> stories.rescue_count
        then format('rescue_count is %s, but history has %s rescues',
          tasks.rescue_count, stories.rescue_count)
      -- By hand, the end may be dated at will; an import has that of another system.
      when tasks.ended_at <> stories.at and stories.event not in ('manual', 'import')
        then format('ended_at is %s, but history has the end at %s', tasks.ended_at, stories.at)
    end
  from tasks
  join stories using (task_id)
  where stories.at >= greatest($4, $5::timestamptz)
  union all
  select
    'task_was_enqueued', task_id, stories.history_id,
    case when has_beginning is not true then format(
      'created at %s, but history %s', created_at,
      case when stories.task_id is null then 'has nothing of it' else 'has no enqueue' end
    ) end
  from tasks
  left join stories using (task_id)
  where created_at >= greatest($4, $5::timestamptz)
  union all
  select
    'final_task_has_end', task_id, stories.history_id,
    case
      when stories.status is null or stories.status not in ('finished', 'failed', 'cancelled')
        then format('%s at %s, but history %s', tasks.status, ended_at,
          coalesce('ends with ' || stories.event, 'has nothing of it'))
    end
  from tasks
  left join stories using (task_id)
  where ended_at >= greatest($4, $5::timestamptz)
  union all
  -- A live task is never dropped, and a final one by the day of its ended_at, which is the
  -- time of its last row; but by hand or by an import it may be dated back.
  select
    'history_has_task', task_id, history_id,
    case when task_id not in (select task_id from tasks)
      then format('%s by history, but in neither table', status)
    end
  from stories
  where
    at >= greatest($4, $5::timestamptz)
    and (
      status not in ('finished', 'failed', 'cancelled')
      or (at >= $6 and event not in ('manual', 'import'))
    )
  union all
  select
    'task_is_in_one_table', task_id, null,
    case when count(*) > 1
      then 'in ' || string_agg(format('%s (%s)', place, status), ' and ' order by place desc)
    end
  from tasks
  group by task_id
  union all
  -- Else a rescue of the worker would not find it.
  select
    'held_task_is_claimed', task_id, null,
    case when (worker_id, task_id) not in (select worker_id, unnest(task_ids) from triaged.claims)
      then format('worker %s holds it, but no row of claims has it', worker_id)
    end
  from triaged.live_tasks
  where task_id > $1 and task_id <= $2 and status = 'started'
  union all
  -- Operations outlive the history that names them.
  select
    'operation_is_recorded', task_id, history_id,
    case when operation_id not in (select operation_id::text from triaged.operations)
      then format('%s names operation %s, which there is not', event, operation_id)
    end
  from (
    select task_id, history_id, event, at, detail ->> 'operation_id' as operation_id
    from triaged.task_history
    where task_id > $1 and task_id <= $2 and at >= $3 and detail ? 'operation_id'
  ) as named
  where at >= greatest($4, $5::timestamptz)`;

/** $8 = how many breaches of each check are told; the other parameters are those of the parts. */
const CHECK_RANGE = `
  with ${READ_STORIES},
  judged as (${JUDGE})
  select
    "check",
    count(*) as judged,
    count(problem) as broken,
    -- Ids as text: JSON numbers of JavaScript end at 2^53.
    to_json(coalesce((array_agg(
      json_build_object(
        'task_id', task_id::text, 'history_id', history_id::text, 'problem', problem
      )
      order by task_id, history_id
    ) filter (where problem is not null))[1:$8::integer], '{}')) as breaches
  from judged
  group by "check"`;
