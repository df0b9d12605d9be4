-- What each outcome other than finish does to its tasks. Each is an update of live_tasks; the
-- trigger record_update moves the rows that ended to final_tasks.

-- started -> queued, while failures are left and the failure is not permanent; else
-- started -> failed. A pending cancel request wins: started -> cancelled. Returns the
-- attempts that failed; nothing was written about the others.
create or replace function triaged.fail_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_errors text[],
  -- One for each task; null means backoff.
  p_delays_ms bigint[],
  p_permanent boolean,
  -- Details that history records beside the error, by 'task_id/attempt'.
  p_details jsonb
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
-- As in finish_tasks.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
set enable_nestloop to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  perform triaged.note_event('fail', 'worker', p_details);

  return query
  update triaged.live_tasks as task
  set
    status = verdict.status,
    -- An operator may have lowered max_attempts below what has failed already.
    failure_count = least(task.failure_count + 1, task.max_attempts),
    error = verdict.error,
    run_at = case when verdict.status = 'queued' then v_now + verdict.delay else task.run_at end,
    worker_id = case when verdict.status = 'queued' then null else task.worker_id end,
    started_at = case when verdict.status = 'queued' then null else task.started_at end,
    ended_at = case when verdict.status = 'queued' then null else v_now end
  from (
    select
      held.task_id,
      given.error,
      coalesce(
        make_interval(secs => given.delay_ms / 1000.0), triaged.backoff(held.failure_count + 1)
      ) as delay,
      case
        when held.cancel_requested_at is not null then 'cancelled'
        when p_permanent or held.failure_count + 1 >= held.max_attempts then 'failed'
        else 'queued'
      end as status
    from triaged.live_tasks as held
    join unnest(p_task_ids, p_attempts, p_errors, p_delays_ms)
      as given (task_id, attempt, error, delay_ms)
      on held.task_id = given.task_id
    where
      held.task_id = any (p_task_ids)
      and held.attempt_count = given.attempt
      and held.status = 'started'
    -- Lock order: by task_id, as the index is read.
    for update of held
  ) as verdict
  where task.task_id = any (p_task_ids) and task.task_id = verdict.task_id
  returning task.task_id, task.attempt_count, task.status;
end;
$$;

-- The delay after a failure where the worker gives none: uniform between zero and one second
-- doubled by each earlier failure, at most five minutes. src/model/backoff.ts has the same figures.
create or replace function triaged.backoff(p_failures integer)
returns interval
language sql
volatile
as $$
  select make_interval(secs => random() * least(300, 2 ^ least(p_failures - 1, 20)));
$$;

-- started -> queued, due after a delay; no failure. A pending cancel request wins:
-- started -> cancelled. Returns the attempts that snoozed; nothing was written about the
-- others.
create or replace function triaged.snooze_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_delays_ms bigint[],
  -- Details that history records, by 'task_id/attempt'.
  p_details jsonb default null
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
as $$
begin
  perform triaged.note_event('snooze', 'worker', p_details);

  return query select * from triaged.put_back_tasks(p_task_ids, p_attempts, p_delays_ms);
end;
$$;

-- started -> queued, due at once; no failure. A pending cancel request wins: started ->
-- cancelled. Returns the attempts that were released; nothing was written about the
-- others.
create or replace function triaged.release_tasks(p_task_ids bigint[], p_attempts integer[])
returns table (task_id bigint, attempt integer, status text)
language plpgsql
as $$
begin
  perform triaged.note_event('release', 'worker');

  return query select * from triaged.put_back_tasks(p_task_ids, p_attempts, null);

  perform triaged.wake_workers();
end;
$$;

-- started -> queued without a failure; or started -> cancelled after a cancel request. snooze_tasks
-- and release_tasks share it; each announces its event. A task whose delay is null is due at once.
create or replace function triaged.put_back_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_delays_ms bigint[]
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
-- As in finish_tasks.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
set enable_nestloop to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  return query
  update triaged.live_tasks as task
  set
    status = case when task.cancel_requested_at is null then 'queued' else 'cancelled' end,
    run_at = case
      when task.cancel_requested_at is null
        then v_now + make_interval(secs => coalesce(given.delay_ms, 0) / 1000.0)
      else task.run_at
    end,
    error = case
      when task.cancel_requested_at is null then task.error else 'Cancelled by user'
    end,
    worker_id = case when task.cancel_requested_at is not null then task.worker_id end,
    started_at = case when task.cancel_requested_at is not null then task.started_at end,
    ended_at = case when task.cancel_requested_at is not null then v_now end
  from unnest(p_task_ids, p_attempts, p_delays_ms) as given (task_id, attempt, delay_ms)
  where
    task.task_id = any (p_task_ids)
    and task.task_id = given.task_id
    and task.attempt_count = given.attempt
    and task.status = 'started'
  returning task.task_id, task.attempt_count, task.status;
end;
$$;

-- started -> needs_decision, with the prompt for a person and the result so far. A pending cancel
-- request wins: started -> cancelled. Returns the attempts that asked; nothing was written about
-- the others.
create or replace function triaged.ask_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_prompts text[],
  p_results jsonb[]
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
-- As in finish_tasks.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
set enable_nestloop to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  perform triaged.note_event('ask', 'worker');

  return query
  update triaged.live_tasks as task
  set
    status = case
      when task.cancel_requested_at is null then 'needs_decision' else 'cancelled'
    end,
    decision_prompt = given.prompt,
    decision = null,
    error = case
      when task.cancel_requested_at is null then task.error else 'Cancelled by user'
    end,
    result = given.result,
    worker_id = case when task.cancel_requested_at is not null then task.worker_id end,
    started_at = case when task.cancel_requested_at is not null then task.started_at end,
    ended_at = case when task.cancel_requested_at is not null then v_now end
  from unnest(p_task_ids, p_attempts, p_prompts, p_results)
    as given (task_id, attempt, prompt, result)
  where
    task.task_id = any (p_task_ids)
    and task.task_id = given.task_id
    and task.attempt_count = given.attempt
    and task.status = 'started'
  returning task.task_id, task.attempt_count, task.status;
end;
$$;

-- started -> cancelled, by the worker that gave an attempt up on a cancel request. Without
-- a request nothing happens: a worker cannot cancel on its own. Returns the attempts
-- that were cancelled; nothing was written about the others.
create or replace function triaged.cancel_held_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_errors text[]
)
returns table (task_id bigint, attempt integer)
language plpgsql
-- As in finish_tasks.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
set enable_nestloop to off
as $$
#variable_conflict use_column
begin
  perform triaged.note_event('cancel', 'worker');

  return query
  update triaged.live_tasks as task
  set
    status = 'cancelled',
    error = coalesce(given.error, 'Cancelled by user'),
    ended_at = triaged.now()
  from unnest(p_task_ids, p_attempts, p_errors) as given (task_id, attempt, error)
  where
    task.task_id = any (p_task_ids)
    and task.task_id = given.task_id
    and task.attempt_count = given.attempt
    and task.status = 'started'
    and task.cancel_requested_at is not null
  returning task.task_id, task.attempt_count;
end;
$$;
