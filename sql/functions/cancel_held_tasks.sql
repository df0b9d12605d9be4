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
-- One plan, that also holds while statistics say that the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
-- A scan that is off has a price that would have its plan compiled, for 80 ms a call.
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
