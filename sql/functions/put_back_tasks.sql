-- started -> queued, and no failure; or started -> cancelled after a cancel request. What
-- snooze_tasks and release_tasks have in common; the event is the caller's. A task whose
-- delay is null is due at once.
create or replace function triaged.put_back_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_delays_ms bigint[]
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
