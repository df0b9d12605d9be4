-- Decide which workers are dead.

-- Declare up to p_limit workers dead and return them: those whose lease ran out, and those
-- whose session was gone at two looks at least 400 ms apart. One look is not enough: a worker
-- that lost only its connection has another one within moments. A worker that is claiming right
-- now is passed over until the next look.
drop function if exists triaged.dead_workers(integer);

create or replace function triaged.declare_dead_workers(p_limit integer)
returns setof triaged.workers
language plpgsql
as $$
declare
  v_now timestamptz := triaged.now();
  v_worker triaged.workers;
  v_reason text;
  -- Once for all: asking for one process costs as much as for all of them.
  v_pids integer[] := triaged.server_pids();
begin
  -- Looked at without a lock: every worker looks twice a second at every other one.
  for v_worker in
    select *
    from triaged.workers
    where ended_at is null
    order by worker_id
  loop
    -- Of a clock that has gone back since: the lease begins now, and so does the count.
    if v_worker.heartbeat_at > v_now + triaged.clock_margin()
      or v_worker.lock_lost_at > v_now + triaged.clock_margin()
    then
      perform triaged.note_setback(v_worker.heartbeat_at);

      update triaged.workers
      set heartbeat_at = least(heartbeat_at, v_now), lock_lost_at = null
      where
        worker_id = v_worker.worker_id
        and ended_at is null
        and heartbeat_at = v_worker.heartbeat_at;

      continue;
    end if;

    v_reason := case
      when v_worker.heartbeat_at < v_now - v_worker.lease then 'lease ran out'
      when not triaged.has_session(v_worker, v_pids) then 'process died'
    end;

    if v_reason = 'process died' and v_worker.lock_lost_at is null then
      update triaged.workers
      set lock_lost_at = v_now
      where worker_id = v_worker.worker_id and ended_at is null;
    elsif v_reason is null and v_worker.lock_lost_at is not null then
      update triaged.workers
      set lock_lost_at = null
      where worker_id = v_worker.worker_id and ended_at is null;
    elsif v_reason = 'lease ran out'
      or v_worker.lock_lost_at < v_now - interval '400 milliseconds'
    then
      v_worker := triaged.declare_dead(v_worker, v_reason);

      if v_worker.worker_id is not null then
        return next v_worker;

        p_limit := p_limit - 1;
        exit when p_limit = 0;
      end if;
    end if;
  end loop;
end;
$$;

-- End the row of a worker that looked dead, unless it has moved since that look: it beat,
-- took its lock again, or ended. Null then, and also while it claims.
create or replace function triaged.declare_dead(p_worker triaged.workers, p_reason text)
returns triaged.workers
language plpgsql
as $$
declare
  v_worker triaged.workers;
begin
  -- For update, not what the update below would take: a claim shares the row's key.
  perform from triaged.workers
  where
    worker_id = p_worker.worker_id
    and ended_at is null
    and heartbeat_at = p_worker.heartbeat_at
    and lock_lost_at is not distinct from p_worker.lock_lost_at
  for update skip locked;

  if found then
    update triaged.workers
    set ended_at = triaged.now(), end_reason = p_reason
    where worker_id = p_worker.worker_id
    returning * into v_worker;
  end if;

  return v_worker;
end;
$$;

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

-- The server processes that are there at this moment.
create or replace function triaged.server_pids()
returns integer[]
language sql
volatile
as $$
  -- Not pg_stat_activity, which also tells what each of them does.
  select coalesce(array_agg(pg_stat_get_backend_pid(backend)), '{}')
  from pg_stat_get_backend_idset() as backend;
$$;
