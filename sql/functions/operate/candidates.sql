-- Which tasks an operation acts on: its filter, and the order in which it visits tasks.

-- The next tasks that an operation may act on, in the order in which it visits them, and whether
-- each matches its filter: of final tasks those of a status by creation, else live tasks by id.
create or replace function triaged.candidates(
  p_action text,
  p_filter jsonb,
  p_status text,
  p_after_created_at timestamptz,
  p_after_task_id bigint,
  p_before timestamptz,
  p_max bigint
)
returns table (task_id bigint, created_at timestamptz, ended_at timestamptz, matches boolean)
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
-- By the indexes that have this order: a sort reads all that failed for each batch.
set enable_sort to off
set jit to off
set max_parallel_workers_per_gather to 0
-- Times in JSON are text, and mean the same whoever asks.
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_is_final boolean := p_action = 'retry';
  v_status text := p_filter ->> 'status';
  v_task_type text := p_filter ->> 'task_type';
  v_queue text := p_filter ->> 'queue';
  v_repo text := p_filter ->> 'repo';
  v_context_id text := p_filter ->> 'context_id';
  v_parent_task_id bigint := (p_filter ->> 'parent_task_id')::bigint;
  v_worker_ids bigint[] := array(
    select worker_id from triaged.workers
    where name = p_filter ->> 'worker' or worker_id::text = p_filter ->> 'worker'
  );
  v_error text := lower(p_filter ->> 'error');
  v_error_shape text := p_filter ->> 'error_shape';
  v_cause text := p_filter ->> 'cause';
  v_payload jsonb := p_filter -> 'payload';
  v_created_since timestamptz := p_filter ->> 'created_since';
  v_created_before timestamptz := p_filter ->> 'created_before';
  v_ended_since timestamptz := p_filter ->> 'ended_since';
  v_ended_before timestamptz := p_filter ->> 'ended_before';
begin
  return query
  select
    task.task_id,
    task.created_at,
    task.ended_at,
    (v_status is null or task.status = v_status)
      -- What the action is possible for; a final task is of the status that is worked off.
      and (v_is_final or p_action <> 'change_run_at' or task.status = 'queued')
      and (v_task_type is null or task.task_type = v_task_type)
      and (v_queue is null or task.queue = v_queue)
      and (v_parent_task_id is null or coalesce(task.parent_task_id = v_parent_task_id, false))
      and (v_created_since is null or task.created_at >= v_created_since)
      and (v_created_before is null or task.created_at < v_created_before)
      and (v_ended_since is null or coalesce(task.ended_at >= v_ended_since, false))
      and (v_ended_before is null or coalesce(task.ended_at < v_ended_before, false))
      and (
        not p_filter ? 'worker' or coalesce(task.worker_id = any (v_worker_ids), false)
      )
      and (
        v_context_id is null or coalesce(task.metadata ->> 'context_id' = v_context_id, false)
      )
      and (
        v_repo is null
        or v_repo in (task.payload ->> 'source_repo', task.payload ->> 'target_repo') is true
      )
      and (v_payload is null or task.payload @> v_payload)
      and (v_error is null or coalesce(strpos(lower(task.error), v_error) > 0, false))
      and (
        v_error_shape is null
        or coalesce(triaged.error_shape(task.error) = v_error_shape, false)
      )
      and (
        v_cause is null
        or exists (
          select from triaged.task_history as recorded
          where
            recorded.task_id = task.task_id
            and recorded.at = task.ended_at
            and triaged.is_failure(recorded.event, recorded.status)
            and triaged.failure_cause(recorded.event, recorded.detail) = v_cause
        )
      )
  from (
    select * from (
      select
        task_id, task_type, queue, payload, status, worker_id, error, parent_task_id, metadata,
        created_at, ended_at
      from triaged.live_tasks
      where not v_is_final and task_id > p_after_task_id and created_at < p_before
      order by task_id
      limit p_max
    ) as live
    union all
    select * from (
      select
        task_id, task_type, queue, payload, status, worker_id, error, parent_task_id, metadata,
        created_at, ended_at
      from triaged.final_tasks
      where
        v_is_final
        -- A status but finished has an index. To say that it is not finished would be counted twice
        -- by the planner, which then takes all that failed to be few, and sorts them.
        and status = p_status
        and (created_at, task_id) > (coalesce(p_after_created_at, '-infinity'), p_after_task_id)
        and created_at < p_before
      order by created_at, task_id
      limit p_max
    ) as final
  ) as task;
end;
$$;

-- The shape of an error: the first 200 characters of its first line, with numbers and ids as #.
-- Errors that differ in these alone have the same one.
create or replace function triaged.error_shape(p_error text)
returns text
language sql
immutable
set search_path to pg_catalog, pg_temp
as $$
  select regexp_replace(
    left(split_part(p_error, chr(10), 1), 200), '[0-9a-f-]*[0-9][0-9a-f-]*', '#', 'g'
  );
$$;
