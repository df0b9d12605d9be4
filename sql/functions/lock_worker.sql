-- Take the lock that shows that the process of a worker lives, for as long as the calling
-- session does. Call it on a connection of the worker's own, not through a pooler. Called
-- again after that connection was lost. False where another session holds the lock, or
-- the worker was declared dead.
create or replace function triaged.lock_worker(worker_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not pg_try_advisory_lock(triaged.lock_key('worker', lock_worker.worker_id)) then
    return false;
  end if;

  update triaged.workers
  set has_session_lock = true, lock_lost_at = null
  where worker_id = lock_worker.worker_id and ended_at is null;

  return found;
end;
$$;
