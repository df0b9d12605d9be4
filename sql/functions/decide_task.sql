-- needs_decision -> queued, due at once: the next attempt sees the decision. Raises TR001
-- for an unknown task and TR002 for one that does not wait for a decision.
create or replace function triaged.decide_task(task_id bigint, decision jsonb)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform triaged.note_event('decide');

  update triaged.live_tasks
  set status = 'queued', decision = decide_task.decision, run_at = triaged.now()
  where task_id = decide_task.task_id and status = 'needs_decision';

  if not found then
    perform triaged.raise_not_possible(decide_task.task_id, 'decided');
  end if;

  perform triaged.ring_doorbell();
end;
$$;
