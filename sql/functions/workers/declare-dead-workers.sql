-- Decide which workers are dead.

-- Declare up to p_limit workers dead and return them: workers whose lease ran out, and workers
-- whose session was gone at two looks at least 400 ms apart. One look is not enough: a worker that
-- only lost its connection has another one within moments. A worker that is claiming is passed over
-- until the next look.
drop function if exists triaged.dead_workers(integer);

create or replace function triaged.declare_dead_workers(p_limit integer)
returns setof triaged.workers
language plpgsql
as $$
declare
  v_now timestamptz := triaged.now();
  v_worker triaged.workers;
  v_reason text;
  -- Read once: a look at one process costs as much as one at all of them.
  v_pids integer[] := triaged.server_pids();
begin
  -- Looked at without a lock: every worker looks twice a second at every other one.
  for v_worker in
    select *
    from triaged.workers
    where ended_at is null
    order by worker_id
  loop
    -- Written by a clock that has gone back since: the lease begins now, and so do the two looks.
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

-- End the row of a worker that looked dead, unless the row has changed since: the worker sent a
-- heartbeat, took its lock again, or ended. Returns null then, and while the worker claims.
create or replace function triaged.declare_dead(p_worker triaged.workers, p_reason text)
returns triaged.workers
language plpgsql
as $$
declare
  v_worker triaged.workers;
begin
  -- Stronger than the lock of the update below: a claim shares the key of the row.
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

-- Whether the session lives that shows that a worker lives; null for a worker without one. p_pids
-- are the processes of the server. Where the lock was free, this transaction holds it from here on,
-- so that the worker cannot come back between this look and the next statement.
--
-- The lock shows a death at once, and is the cheapest look. But anybody who may connect can take a
-- free lock, so a lock that is held shows life only while the server process that took it for the
-- worker is there. Another session may have the number of that process by now: a worker without a
-- heartbeat for half its lease must be seen to hold the lock. Not at every look, since that reads
-- all locks of the server.
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

  -- Where another session was quicker to take the lock, the session of the worker alone counts.
  if p_worker.has_session_lock and pg_try_advisory_xact_lock(v_key) then
    return false;
  end if;

  if p_worker.session_pid <> all (p_pids) then
    return false;
  end if;

  -- Apart from the query below: an expression without a query costs 1 us, and one with it 60.
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

-- The server processes that exist now.
create or replace function triaged.server_pids()
returns integer[]
language sql
volatile
as $$
  -- pg_stat_activity would also read what each of them does.
  select coalesce(array_agg(pg_stat_get_backend_pid(backend)), '{}')
  from pg_stat_get_backend_idset() as backend;
$$;
