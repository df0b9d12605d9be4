-- Whether the session lives that shows that a worker does; null for a worker that has none. p_pids
-- are the server processes that are there. Where the lock was free, this transaction has it from
-- here on, so that the worker is not back between this look and what follows it.
--
-- The lock tells of a death at once, and costs least to look at. But anybody who may connect can
-- take it when it becomes free, so one that cannot be had is a sign of life only while the server
-- process is there that took it for the worker. The number of that process may be another one's by
-- now: a worker that has not beaten for half its lease must be seen to hold the lock. Not at each
-- look, since that reads all locks of the server.
create or replace function triaged.has_session(p_worker triaged.workers, p_pids integer[])
returns boolean
language plpgsql
as $$
declare
  v_key bigint := triaged.lock_key('worker', p_worker.worker_id);
begin
  if p_worker.session_pid is null then
    return case
      -- Locked by a version that wrote down no session_pid.
      when p_worker.has_session_lock then not pg_try_advisory_xact_lock(v_key)
    end;
  end if;

  -- One that somebody else was quicker to lock has its session alone.
  if p_worker.has_session_lock and pg_try_advisory_xact_lock(v_key) then
    return false;
  end if;

  if p_worker.session_pid <> all (p_pids) then
    return false;
  end if;

  -- Apart from what follows: an expression without a query costs 1 us, and one with it 60.
  if not p_worker.has_session_lock
    or p_worker.heartbeat_at >= triaged.now() - p_worker.lease / 2
  then
    return true;
  end if;

  return exists (
    select from triaged.lock_holders(v_key) as holder where holder.pid = p_worker.session_pid
  );
end;
$$;
