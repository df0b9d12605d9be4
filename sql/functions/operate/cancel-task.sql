-- Cancel a task, and say why an event is not possible.

-- queued, needs_decision -> cancelled; returns 'cancelled'. A started task is asked to stop:
-- returns 'requested', notifies its worker, and the task is cancelled when the attempt ends in any
-- way but finishing. Raises TR001 for an unknown task and TR002 for a final one.
create or replace function triaged.cancel_task(task_id bigint)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_task record;
  v_details jsonb;
begin
  -- Locked first. Otherwise a task that is put back between a look for waiting tasks and one for
  -- started tasks would be found by neither. Lock order: one task.
  select task.status, task.attempt_count, task.cancel_requested_at into v_task
  from triaged.live_tasks as task
  where task.task_id = cancel_task.task_id
  for update;

  if not found then
    perform triaged.raise_not_possible(cancel_task.task_id, 'cancelled');
  end if;

  -- A request that was made before is none again.
  if v_task.cancel_requested_at is null then
    v_details := triaged.operation_details(
      triaged.record_operation('cancel', cancel_task.task_id), cancel_task.task_id,
      v_task.attempt_count
    );
  end if;

  perform triaged.note_event('cancel', '', v_details);

  if v_task.status = 'started' then
    update triaged.live_tasks
    set cancel_requested_at = coalesce(cancel_requested_at, v_now)
    where task_id = cancel_task.task_id;

    -- Where the notification is lost, the heartbeat of the worker finds the request.
    perform triaged.notify_workers('cancel');

    return 'requested';
  end if;

  update triaged.live_tasks
  set status = 'cancelled', error = 'Cancelled by user', ended_at = v_now
  where task_id = cancel_task.task_id;

  return 'cancelled';
end;
$$;

-- Raise an error that says why an event is not possible for a task: there is no such task, or its
-- status forbids the event.
create or replace function triaged.raise_not_possible(p_task_id bigint, p_verb text)
returns void
language plpgsql
as $$
declare
  v_status text;
begin
  select task.status into v_status from triaged.tasks as task where task.task_id = p_task_id;

  if not found then
    perform triaged.raise_unknown_task(p_task_id);
  end if;

  raise exception 'task % is %: it cannot be %', p_task_id, v_status, p_verb
    using
      errcode = 'TR002',
      hint = case
        when v_status = 'finished' then 'A finished task stays as it is; enqueue a new one.'
        when v_status in ('failed', 'cancelled') then 'retry_task(task_id) queues it again.'
        else 'docs/task-status.md lists what can happen in which status.'
      end;
end;
$$;

-- Raise the error for a task that does not exist.
create or replace function triaged.raise_unknown_task(p_task_id bigint)
returns void
language plpgsql
as $$
begin
  raise exception 'there is no task %', p_task_id
    using
      errcode = 'TR001',
      hint = 'Tasks are dropped some days after they end; task_history keeps their story longer.';
end;
$$;
