-- -> queued. Enqueue the task of a schedule for one of its times: once, however often this
-- is called for that time, since the job that calls it may run again after a crash. task is
-- an object with the arguments of enqueue_task. History names the schedule as the actor. No row
-- while the schedule is paused: that time is over, and is not caught up.
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
  if exists (
    select from triaged.schedule_pauses as paused
    where paused.schedule = enqueue_scheduled.schedule
  ) then
    return;
  end if;

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

-- -> queued. Enqueue the task of a schedule now, whatever its times are, also while it is paused.
-- task is an object with the arguments of enqueue_task. Its last run stays that by the clock.
create or replace function triaged.run_schedule(schedule text, task jsonb)
returns table (task_id bigint, outcome text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- As enqueue_scheduled.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_enqueued record;
begin
  perform triaged.check_schedule(run_schedule.schedule);

  select answer.task_id, answer.outcome into v_enqueued
  from triaged.add_tasks(jsonb_build_array(run_schedule.task), p_by => '') as answer;

  perform triaged.record_operation(
    'run_schedule', v_enqueued.task_id, jsonb_build_object('schedule', run_schedule.schedule),
    jsonb_build_object('outcome', v_enqueued.outcome)
  );

  return query select v_enqueued.task_id, v_enqueued.outcome;
end;
$$;

-- Have a schedule enqueue nothing when it is due. False where it was paused before.
create or replace function triaged.pause_schedule(schedule text)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.check_schedule(pause_schedule.schedule);

  insert into triaged.schedule_pauses (schedule, paused_at)
  values (pause_schedule.schedule, triaged.now())
  on conflict on constraint schedule_pauses_pkey do nothing;

  if not found then
    return false;
  end if;

  perform triaged.record_operation(
    'pause_schedule', p_target => jsonb_build_object('schedule', pause_schedule.schedule)
  );
  return true;
end;
$$;

-- Have a schedule enqueue its task again from its next time on. False where it was not paused.
create or replace function triaged.resume_schedule(schedule text)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  delete from triaged.schedule_pauses as paused
  where paused.schedule = resume_schedule.schedule;

  if not found then
    return false;
  end if;

  perform triaged.record_operation(
    'resume_schedule', p_target => jsonb_build_object('schedule', resume_schedule.schedule)
  );
  return true;
end;
$$;

-- Raise an error for what is no name of a schedule.
create or replace function triaged.check_schedule(p_schedule text)
returns void
language plpgsql
immutable
as $$
begin
  if p_schedule is null or length(p_schedule) not between 1 and 200 then
    raise exception 'expected schedule to have 1 to 200 characters, got %',
      coalesce(length(p_schedule)::text, 'null')
      using errcode = '22023';
  end if;
end;
$$;
