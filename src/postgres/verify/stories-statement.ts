/**
 * Read the tasks of a range, and their stories; of those that began before the window, also the
 * end of what came before. $1 < task_id <= $2 is the range, $3 = Horizon.read_from.
 *
 * The order of a story is that of history_id: it is drawn while the task's row is locked. The
 * time is not: it is that at which the transaction began.
 */
export const READ_STORIES = `
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
      max(history_id) filter (where event in ('enqueue', 'retry')) over story as begun_id,
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
