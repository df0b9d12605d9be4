-- End an incarnation of a worker. What it still holds is released: it has stopped, and
-- nobody else would take these tasks back. False if it had ended before.
create or replace function triaged.end_worker(worker_id bigint, reason text default 'stopped')
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_task_ids bigint[];
  v_attempts integer[];
begin
  -- Lock order: worker before tasks. Stronger than the update below would take it, to
  -- wait for a claim, which share-locks the row: what that claims is released too.
  perform from triaged.workers where worker_id = end_worker.worker_id for update;

  update triaged.workers
  set ended_at = triaged.now(), end_reason = end_worker.reason
  where worker_id = end_worker.worker_id and ended_at is null;

  if not found then
    return false;
  end if;

  select array_agg(task.task_id), array_agg(task.attempt_count) into v_task_ids, v_attempts
  from triaged.live_tasks as task
  where task.worker_id = end_worker.worker_id;

  perform triaged.release_tasks(v_task_ids, v_attempts);

  return true;
end;
$$;
