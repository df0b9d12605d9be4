-- Following history: what a process asks again and again that tells others of every transition.

-- Where history is, and who may still write rows before that. Ids are drawn before their rows
-- commit, so the newest id says nothing about those before it; but whoever draws one is a writer to
-- the end of its transaction. Once all of these are over, each row up to drawn_id is there, or
-- never will be. A writer that was prepared goes by another name since: those names are in
-- prepared too. folded_id is an id for which this was known before; ids up to
-- dropped_id may have been dropped by retention.
create or replace function triaged.look_at_history()
returns table (
  drawn_id bigint,
  writers text[],
  prepared text[],
  folded_id bigint,
  dropped_id bigint
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  -- In this order.
  drawn_id := coalesce(pg_sequence_last_value(
    pg_get_serial_sequence('triaged.task_history', 'history_id')::regclass
  ), 0);

  select
    coalesce(array_agg(distinct name), '{}'),
    coalesce(array_agg(distinct name) filter (where is_prepared), '{}')
  into writers, prepared
  from triaged.history_locks();

  folded_id := coalesce((select progress.folded_id from triaged.rollup_progress as progress), 0);
  dropped_id := coalesce((select until_id from triaged.dropped_history), 0);
  return next;
end;
$$;

-- The oldest transitions of a range of ids, after the first and up to the last: of these tasks, of
-- all where p_of_tasks is null. With the queue of each task, which is null where the task is gone.
create or replace function triaged.transitions_between(
  p_after bigint,
  p_until bigint,
  p_of_tasks bigint[] default null,
  max_rows integer default 1000
)
returns table (
  id bigint,
  task_id bigint,
  event text,
  status text,
  queue text,
  task_type text,
  worker_id bigint,
  attempt integer,
  occurred_at timestamptz,
  actor text,
  error text,
  wait_ms bigint,
  duration_ms bigint,
  detail jsonb
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- As fold_rows and ends_within: planned with its bounds, and by index whatever statistics say.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  return query
  with found as materialized (
    select * from triaged.task_history as recorded
    where
      p_of_tasks is null
      and recorded.history_id > p_after
      and recorded.history_id <= p_until
    union all
    -- By the index of tasks, however many ids lie between.
    select * from triaged.task_history as recorded
    where
      recorded.task_id = any (p_of_tasks)
      and recorded.history_id + 0 > p_after
      and recorded.history_id + 0 <= p_until
    order by history_id
    limit greatest(0, max_rows)
  )
  select
    found.history_id, found.task_id, found.event, found.status,
    coalesce(
      (select live.queue from triaged.live_tasks as live where live.task_id = found.task_id),
      -- Says no more than the next, but reads the partitions since then alone.
      (
        select ended.queue from triaged.final_tasks as ended
        where ended.task_id = found.task_id and ended.ended_at >= found.at
        limit 1
      ),
      (
        select ended.queue from triaged.final_tasks as ended
        where ended.task_id = found.task_id
        limit 1
      )
    ),
    found.task_type, found.worker_id, found.attempt_count, found.at, found.actor, found.error,
    found.wait_ms, found.duration_ms, found.detail
  from found
  order by found.history_id;
end;
$$;

-- How far a task's own history is: the id of its newest row, 0 for a task without.
create or replace function triaged.newest_transition(p_task_id bigint)
returns bigint
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  select coalesce(max(history_id), 0) from triaged.task_history where task_id = p_task_id;
$$;
