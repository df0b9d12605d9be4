-- -> queued. Enqueue the task of a schedule for one of its times: once, however often this
-- is called for that time, since the job that calls it may run again after a crash. task is
-- an object with the arguments of enqueue_task. History names the schedule as the actor.
create or replace function triaged.enqueue_scheduled(
  schedule text,
  due_at timestamptz,
  task jsonb
)
returns table (task_id bigint, outcome text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Times in JSON are text, and mean the same whoever sends them.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_run text := format('schedule %s %s', enqueue_scheduled.schedule,
    extract(epoch from enqueue_scheduled.due_at)::bigint);
  v_enqueued record;
begin
  -- A key beside that of the task, which may be free again once the task has ended.
  insert into triaged.dedupe_keys (dedupe_key, task_id, until)
  values (v_run, 0, triaged.now() + interval '30 days')
  on conflict do nothing;

  if not found then
    return query
    select held.task_id, 'duplicate'
    from triaged.dedupe_keys as held
    where held.dedupe_key = v_run;
    return;
  end if;

  select answer.task_id, answer.outcome into v_enqueued
  from triaged.add_tasks(
    jsonb_build_array(enqueue_scheduled.task), p_by => 'schedule ' || enqueue_scheduled.schedule
  ) as answer;

  update triaged.dedupe_keys as held
  set task_id = v_enqueued.task_id
  where held.dedupe_key = v_run;

  insert into triaged.schedule_runs as known (schedule, last_run_at, last_task_id)
  values (enqueue_scheduled.schedule, enqueue_scheduled.due_at, v_enqueued.task_id)
  on conflict on constraint schedule_runs_pkey
  do update set
    run_count = known.run_count + 1,
    last_run_at = greatest(known.last_run_at, excluded.last_run_at),
    last_task_id = case
      when excluded.last_run_at >= known.last_run_at then excluded.last_task_id
      else known.last_task_id
    end;

  return query select v_enqueued.task_id, v_enqueued.outcome;
end;
$$;
