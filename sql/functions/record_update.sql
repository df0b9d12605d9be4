-- Trigger: write the history of tasks that changed status and stay in live_tasks,
-- and move those that ended to final_tasks, where record_insert writes theirs. A
-- request to cancel and a replaced payload are recorded too, though the status stays.
create or replace function triaged.record_update()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- The plan is kept from the session's first call. Made for one row it is a nested
-- loop, and a later batch of n rows costs n * n; made while the table is small it is
-- a scan.
set enable_nestloop to off
set enable_seqscan to off
-- A scan that is off has a price that would have its plan compiled, for 80 ms a call.
set jit to off
as $$
declare
  v_now timestamptz := triaged.now();
  v_event text := triaged.current_event();
  v_actor text := triaged.current_actor();
  v_details jsonb := nullif(current_setting('triaged.event_details', true), '')::jsonb;
begin
  -- As in record_insert.
  if tg_relid <> 'triaged.live_tasks'::regclass then
    raise exception 'record_update() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  -- All rows of a claim changed, and what history tells of them stands in the new ones.
  -- Without the join a claim is 1.2 us cheaper for each task (of 18).
  if v_event = 'claim' then
    insert into triaged.task_history (
      task_id, task_type, at, event, status, attempt_count, worker_id, actor, login,
      wait_ms
    )
    select
      task_id, task_type, v_now, v_event, status, attempt_count, worker_id, v_actor,
      session_user, triaged.milliseconds(v_now - run_at)
    from after;

    perform triaged.note_event('');
    return null;
  end if;

  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, login, error,
    wait_ms, duration_ms, detail
  )
  select
    task_id, after.task_type, v_now, v_event, after.status, after.attempt_count,
    coalesce(after.worker_id, before.worker_id), v_actor, session_user,
    -- Else the error of an earlier attempt, which stays on the row, would be told again. A
    -- cancel that leaves its task here is a request, and makes none.
    case when v_event in ('fail', 'rescue', 'manual') then after.error end,
    case
      when before.status = 'queued' and after.status = 'started'
        then triaged.milliseconds(v_now - before.run_at)
    end,
    case
      when before.status = 'started' and after.status <> 'started'
        then triaged.milliseconds(v_now - before.started_at)
    end,
    case when v_details is not null then v_details -> (task_id || '/' || after.attempt_count) end
  from before
  join after using (task_id)
  where
    after.ended_at is null
    and (
      before.status <> after.status
      or before.cancel_requested_at is distinct from after.cancel_requested_at
      or v_event = 'replace'
    );

  if exists (select from after where ended_at is not null) then
    insert into triaged.final_tasks select * from after where ended_at is not null;

    delete from triaged.live_tasks
    where task_id = any (array(select task_id from after where ended_at is not null));
  end if;

  perform triaged.note_event('');

  return null;
end;
$$;
