-- queued -> queued. Give a task that nobody has claimed since another payload and other
-- settings, as if it were enqueued anew: failures are forgotten. False where the task
-- is not queued; nothing was written then.
create or replace function triaged.replace_task(
  p_task_id bigint,
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_priority smallint,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_metadata jsonb
)
returns boolean
language plpgsql
as $$
begin
  perform triaged.note_event('replace');

  update triaged.live_tasks
  set
    task_type = p_task_type,
    payload = p_payload,
    queue = p_queue,
    priority = p_priority,
    run_at = p_run_at,
    max_attempts = p_max_attempts,
    metadata = p_metadata,
    failure_count = 0,
    error = null
  where task_id = p_task_id and status = 'queued';

  return found;
end;
$$;
