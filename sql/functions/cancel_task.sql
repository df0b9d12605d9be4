-- queued, needs_decision -> cancelled; returns 'cancelled'. A task that is started is
-- asked to stop: returns 'requested', its worker is told, and it is cancelled when the
-- attempt ends other than by finishing. Raises TR001 for an unknown task and TR002 for
-- one that is final.
create or replace function triaged.cancel_task(task_id bigint)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  perform triaged.note_event('cancel');

  update triaged.live_tasks
  set status = 'cancelled', error = 'Cancelled by user', ended_at = v_now
  where task_id = cancel_task.task_id and status in ('queued', 'needs_decision');

  if found then
    return 'cancelled';
  end if;

  perform triaged.note_event('cancel');

  update triaged.live_tasks
  set cancel_requested_at = coalesce(cancel_requested_at, v_now)
  where task_id = cancel_task.task_id and status = 'started';

  if found then
    perform pg_notify('triaged.doorbell', 'cancel');
    return 'requested';
  end if;

  -- Neither waiting at the first look nor started at the second: it is final, unknown, or
  -- was put back in between, and then the caller may simply ask again.
  perform triaged.raise_not_possible(cancel_task.task_id, 'cancelled');
end;
$$;
