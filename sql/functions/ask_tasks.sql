-- started -> needs_decision, with the prompt for a person and what is known so far. A
-- pending cancel request wins: started -> cancelled. Returns the attempts that asked;
-- nothing was written about the others.
create or replace function triaged.ask_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_prompts text[],
  p_results jsonb[]
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
