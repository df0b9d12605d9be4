-- What a batch of an operation does with its tasks: one statement for nearly all of them.

-- Do the action of an operation with tasks, given in the order of their ids; a final one with the
-- time of its end. Returns how many it was done with, and how many failed with an error; the others
-- had moved on.
create or replace function triaged.act_on_tasks(
  p_operation_id bigint,
  p_task_ids bigint[],
  p_ended_ats timestamptz[]
)
returns table (done bigint, failed bigint, last_error text)
language plpgsql
as $$
declare
  v_operation triaged.operations;
begin
  done := 0;
  failed := 0;

  if cardinality(p_task_ids) > 0 then
    select * into strict v_operation
    from triaged.operations where operation_id = p_operation_id;

    if v_operation.action = 'retry' then
      done := triaged.retry_plain_tasks(v_operation.operation_id, p_task_ids, p_ended_ats);

      select act_on_tasks.done + keyed.done, keyed.failed, keyed.last_error
      into done, failed, last_error
      from triaged.retry_keyed_tasks(v_operation.operation_id, p_task_ids, p_ended_ats) as keyed;
    elsif v_operation.action = 'cancel' then
      done := triaged.cancel_tasks(v_operation.operation_id, p_task_ids);
    else
      done := triaged.change_tasks(v_operation.operation_id, p_task_ids);
    end if;

    perform triaged.wake_workers();
  end if;

  return next;
end;
$$;

-- What note_event takes as details for many tasks.
create or replace function triaged.operation_details_of(
  p_operation_id bigint,
  p_tasks text[],
  p_change jsonb default null
)
returns jsonb
language sql
immutable
as $$
  select coalesce(
    jsonb_object_agg(
      task, jsonb_build_object('operation_id', p_operation_id) || coalesce(p_change, '{}')
    ),
    '{}'
  )
  from unnest(p_tasks) as task;
$$;

-- Retry tasks without a dedupe key, as retry_task does. Returns how many.
create or replace function triaged.retry_plain_tasks(
  p_operation_id bigint,
  p_task_ids bigint[],
  p_ended_ats timestamptz[]
)
returns bigint
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_actor text := triaged.actor_of(p_operation_id);
  v_tasks triaged.final_tasks[];
begin
  perform triaged.note_event('retry', v_actor);

  with gone as (
    delete from triaged.final_tasks as task
    using unnest(p_task_ids, p_ended_ats) as given (task_id, ended_at)
    where
      task.task_id = given.task_id
      and task.ended_at = given.ended_at
      -- Says no more than the line before, but names partitions to the planner.
      and task.ended_at = any (p_ended_ats)
      and task.status in ('failed', 'cancelled')
      and task.dedupe_key is null
    returning task.*
  )
  select coalesce(array_agg(gone::triaged.final_tasks), '{}') into v_tasks from gone;

  perform triaged.note_event('retry', v_actor, triaged.operation_details_of(
    p_operation_id, array(select task_id || '/' || attempt_count from unnest(v_tasks))
  ));

  insert into triaged.live_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, error, dedupe_key, parent_task_id, root_task_id, metadata,
    created_at, given_id
  )
  overriding system value
  select
    task_id, task_type, queue, payload, priority, 'queued', v_now, attempt_count, 0, max_attempts,
    0, error, dedupe_key, parent_task_id, root_task_id, metadata, created_at, given_id
  from unnest(v_tasks);

  return cardinality(v_tasks);
end;
$$;

-- Retry the tasks that have a dedupe key, one by one: another task may hold it.
create or replace function triaged.retry_keyed_tasks(
  p_operation_id bigint,
  p_task_ids bigint[],
  p_ended_ats timestamptz[]
)
returns table (done bigint, failed bigint, last_error text)
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  v_task_id bigint;
begin
  done := 0;
  failed := 0;

  for v_task_id in
    select task.task_id
    from unnest(p_task_ids, p_ended_ats) as given (task_id, ended_at)
    join triaged.final_tasks as task
      on task.task_id = given.task_id and task.ended_at = given.ended_at
    where task.ended_at = any (p_ended_ats) and task.dedupe_key is not null
    order by task.task_id
  loop
    begin
      perform triaged.retry_task_as(v_task_id, p_operation_id);
      done := done + 1;
    exception
      -- Moved on, or its key is taken.
      when sqlstate 'TR001' or sqlstate 'TR002' then
        null;
      -- A constraint, or what a trigger of the operator's raises: no reason to stop at it for ever.
      when integrity_constraint_violation or raise_exception or data_exception then
        failed := failed + 1;
        last_error := left(sqlerrm, 2000);
    end;
  end loop;

  return next;
end;
$$;

-- Cancel live tasks, as cancel_task does. Returns how many were cancelled or asked to stop.
create or replace function triaged.cancel_tasks(p_operation_id bigint, p_task_ids bigint[])
returns bigint
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_actor text := triaged.actor_of(p_operation_id);
  v_locked record;
begin
  -- Lock order: tasks by their ids.
  with locked as (
    select task_id, status, attempt_count
    from triaged.live_tasks
    where task_id = any (p_task_ids) and cancel_requested_at is null
    order by task_id
    for update
  )
  select
    coalesce(array_agg(task_id) filter (where status <> 'started'), '{}') as waiting,
    coalesce(array_agg(task_id) filter (where status = 'started'), '{}') as started,
    array_agg(task_id || '/' || attempt_count) as tasks
  into v_locked
  from locked;

  perform triaged.note_event(
    'cancel', v_actor, triaged.operation_details_of(p_operation_id, v_locked.tasks)
  );

  update triaged.live_tasks
  set status = 'cancelled', error = 'Cancelled by user', ended_at = v_now
  where task_id = any (v_locked.waiting);

  if cardinality(v_locked.started) > 0 then
    perform triaged.note_event(
      'cancel', v_actor, triaged.operation_details_of(p_operation_id, v_locked.tasks)
    );

    update triaged.live_tasks
    set cancel_requested_at = v_now
    where task_id = any (v_locked.started);

    perform triaged.notify_workers('cancel');
  end if;

  return cardinality(v_locked.waiting) + cardinality(v_locked.started);
end;
$$;

-- Change the priority or the time of live tasks. Returns how many.
create or replace function triaged.change_tasks(p_operation_id bigint, p_task_ids bigint[])
returns bigint
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
-- Times in JSON are text, and mean the same whoever asks.
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_operation triaged.operations;
  v_priority smallint;
  v_run_at timestamptz;
  v_change jsonb;
  v_tasks text[];
  v_task_ids bigint[];
begin
  select * into strict v_operation
  from triaged.operations where operation_id = p_operation_id;

  v_priority := v_operation.change ->> 'priority';

  if v_operation.action = 'change_run_at' then
    v_run_at := coalesce((v_operation.change ->> 'run_at')::timestamptz, v_now);
  end if;

  v_change := case
    when v_operation.action = 'change_run_at'
      then jsonb_build_object('run_at', triaged.iso_time(v_run_at))
    else v_operation.change
  end;

  with locked as (
    select task_id, attempt_count
    from triaged.live_tasks
    where
      task_id = any (p_task_ids)
      and (v_run_at is null or (
        status = 'queued'
        and run_at <> v_run_at
        -- What is due already keeps its place.
        and not (v_operation.change -> 'run_at' = 'null' and run_at <= v_now)
      ))
      and (v_priority is null or priority <> v_priority)
    order by task_id
    -- Lock order: tasks by their ids.
    for update
  )
  select coalesce(array_agg(task_id), '{}'), array_agg(task_id || '/' || attempt_count)
  into v_task_ids, v_tasks
  from locked;

  perform triaged.note_event(
    'change', v_operation.actor,
    triaged.operation_details_of(p_operation_id, v_tasks, v_change)
  );

  update triaged.live_tasks
  set priority = coalesce(v_priority, priority), run_at = coalesce(v_run_at, run_at)
  where task_id = any (v_task_ids);

  return cardinality(v_task_ids);
end;
$$;

-- Who began an operation.
create or replace function triaged.actor_of(p_operation_id bigint)
returns text
language sql
stable
as $$
  select actor from triaged.operations where operation_id = p_operation_id;
$$;
