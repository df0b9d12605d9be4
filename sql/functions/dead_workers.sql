-- Declare up to p_limit workers dead and return them: those whose lease ran out, and those
-- whose session was gone at two looks at least 400 ms apart. One look is not enough: a worker
-- that lost only its connection has another one within moments. A worker that is claiming right
-- now is passed over until the next look.
create or replace function triaged.dead_workers(p_limit integer)
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
