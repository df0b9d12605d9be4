-- started -> queued, while failures are left and the failure is not permanent; else
-- started -> failed. A pending cancel request wins: started -> cancelled. Returns the
-- attempts that failed; nothing was written about the others.
create or replace function triaged.fail_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_errors text[],
  -- Of each; null: backoff.
  p_delays_ms bigint[],
  p_permanent boolean,
  -- What history tells beside the error, by 'task_id/attempt'.
  p_details jsonb
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
-- One plan, that also holds while statistics say that the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
-- A scan that is off has a price that would have its plan compiled, for 80 ms a call.
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
