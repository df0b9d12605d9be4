-- Show that the process of a worker lives, for as long as the calling session does: take the
-- worker's lock, and write down the server process of this session. Call it on a connection of the
-- worker's own, not through a pooler. Called again after that connection was lost. False where
-- another session holds the lock, or the worker was declared dead: call again a moment later.
-- Meanwhile this session alone shows that the worker lives.
create or replace function triaged.lock_worker(worker_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_locked boolean := pg_try_advisory_lock(triaged.lock_key('worker', lock_worker.worker_id));
begin
  update triaged.workers as mine
  set has_session_lock = v_locked, session_pid = pg_backend_pid(), lock_lost_at = null
  where
    mine.worker_id = lock_worker.worker_id
    and mine.ended_at is null
    -- Nothing new to write at each try for a lock that somebody keeps.
    and (v_locked or mine.session_pid is distinct from pg_backend_pid()
      or mine.lock_lost_at is not null);

  return found and v_locked;
end;
$$;
