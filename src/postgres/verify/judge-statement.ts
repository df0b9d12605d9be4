/**
 * One row for each thing that a check looks at; problem is null where it holds. $4 to $6 are
 * since, history_from and tasks_from of the Horizon, $7 the legal moves.
 */
export const JUDGE = `
  select
    'transitions_are_legal' as check, task_id, history_id,
    case
      when (coalesce(status_before, 'none'), event, status) not in (
        select before, event, after
        from jsonb_to_recordset($7::jsonb) as legal (before text, event text, after text)
      ) then format('%s -> %s by %s', coalesce(status_before, 'none'), status, event)
      when status_before = 'started' and status = 'cancelled' and begun_id > coalesce(request_id, 0)
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
  group by task_id`;
