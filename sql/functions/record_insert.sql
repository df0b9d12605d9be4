-- Trigger: write the history of tasks that came into live_tasks or final_tasks.
create or replace function triaged.record_insert()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := triaged.now();
  v_event text := triaged.current_event();
  v_actor text := triaged.current_actor();
  v_details jsonb := nullif(current_setting('triaged.event_details', true), '')::jsonb;
begin
  -- A trigger of another table would write into history what it likes.
  if tg_relid not in ('triaged.live_tasks'::regclass, 'triaged.final_tasks'::regclass) then
    raise exception 'record_insert() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  -- The dump has their history too.
  if v_event = 'manual' and triaged.is_restoring() then
    return null;
  end if;

  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, login, error,
    duration_ms, detail
  )
  select
    task_id, task_type, v_now, v_event, status, attempt_count, worker_id, v_actor,
    session_user,
    -- A task that is retried keeps the error of its end, which history has told with that.
    case when v_event <> 'retry' then error end,
    triaged.milliseconds(ended_at - started_at),
    case when v_details is not null then v_details -> (task_id || '/' || attempt_count) end
  from arrived;

  perform triaged.note_event('');

  return null;
end;
$$;
