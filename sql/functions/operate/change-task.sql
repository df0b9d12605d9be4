-- Change a task that has not ended: its priority, or when it is due. The status stays; history has
-- the event change, which says what was set.

-- Give a task another priority, 0 critical to 3 low. A started task has it from its next attempt
-- on. Returns false where it had that priority. Raises TR001 for an unknown task, TR002 for a final
-- one.
create or replace function triaged.change_priority(task_id bigint, priority integer)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_task triaged.live_tasks;
  v_change jsonb := jsonb_build_object('priority', change_priority.priority);
begin
  perform triaged.check_priority(change_priority.priority);

  -- Lock order: one task.
  select * into v_task
  from triaged.live_tasks as task
  where task.task_id = change_priority.task_id
  for update;

  if not found then
    perform triaged.raise_not_possible(change_priority.task_id, 'changed');
  elsif v_task.priority = change_priority.priority then
    return false;
  end if;

  perform triaged.note_event('change', '', triaged.operation_details(
    triaged.record_operation('change_priority', v_task.task_id, p_change => v_change),
    v_task.task_id, v_task.attempt_count, v_change
  ));

  update triaged.live_tasks as task
  set priority = change_priority.priority
  where task.task_id = v_task.task_id;

  perform triaged.wake_workers();
  return true;
end;
$$;

-- Have a queued task due at another time; now where run_at is null. Returns false where it was due
-- then. Raises TR001 for an unknown task, TR002 for one that is not queued.
create or replace function triaged.change_run_at(
  task_id bigint,
  run_at timestamptz default null
)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_run_at timestamptz := coalesce(change_run_at.run_at, v_now);
  v_task triaged.live_tasks;
  v_change jsonb := jsonb_build_object('run_at', triaged.iso_time(v_run_at));
begin
  perform triaged.check_run_at(v_run_at);

  -- Lock order: one task.
  select * into v_task
  from triaged.live_tasks as task
  where task.task_id = change_run_at.task_id and task.status = 'queued'
  for update;

  if not found then
    perform triaged.raise_not_possible(change_run_at.task_id, 'given another time');
  elsif
    v_task.run_at = v_run_at
    -- It is due already.
    or (change_run_at.run_at is null and v_task.run_at <= v_now)
  then
    return false;
  end if;

  perform triaged.note_event('change', '', triaged.operation_details(
    triaged.record_operation('change_run_at', v_task.task_id, p_change => v_change),
    v_task.task_id, v_task.attempt_count, v_change
  ));

  update triaged.live_tasks as task
  set run_at = v_run_at
  where task.task_id = v_task.task_id;

  perform triaged.wake_workers();
  return true;
end;
$$;

-- Raise an error for what is no priority.
create or replace function triaged.check_priority(p_priority integer)
returns void
language plpgsql
immutable
as $$
begin
  if p_priority is null or p_priority not between 0 and 3 then
    raise exception 'expected priority to be 0 to 3, got %', coalesce(p_priority::text, 'null')
      using errcode = '22023', hint = '0 critical, 1 high, 2 medium, 3 low.';
  end if;
end;
$$;

-- Raise an error for a time at which no task falls due.
create or replace function triaged.check_run_at(p_run_at timestamptz)
returns void
language plpgsql
immutable
as $$
begin
  if p_run_at not between '0001-01-01 00:00+00' and '9999-12-31 23:59:59.999999+00' then
    raise exception 'expected run_at to be a point in time in the years 1 to 9999, got %', p_run_at
      using errcode = '22023';
  end if;
end;
$$;
