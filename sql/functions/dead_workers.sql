-- Declare up to p_limit workers dead and return them: those whose lease ran out, and those
-- whose session lock was free at two looks at least 400 ms apart. One look is not enough:
-- a worker that lost only its connection takes the lock again within moments. A worker
-- that is claiming right now is passed over until the next look.
create or replace function triaged.dead_workers(p_limit integer)
returns setof triaged.workers
language plpgsql
as $$
declare
  v_now timestamptz := triaged.now();
  v_worker triaged.workers;
  v_reason text;
begin
  for v_worker in
    select *
    from triaged.workers
    where ended_at is null
    order by worker_id
    for update skip locked
  loop
    v_reason := null;

    if v_worker.heartbeat_at < v_now - v_worker.lease then
      v_reason := 'lease ran out';
    elsif v_worker.has_session_lock then
      -- Not had: a session of the worker lives.
      if pg_try_advisory_xact_lock(triaged.lock_key('worker', v_worker.worker_id)) then
        if v_worker.lock_lost_at < v_now - interval '400 milliseconds' then
          v_reason := 'process died';
        elsif v_worker.lock_lost_at is null then
          update triaged.workers
          set lock_lost_at = v_now
          where worker_id = v_worker.worker_id;
        end if;
      elsif v_worker.lock_lost_at is not null then
        update triaged.workers
        set lock_lost_at = null
        where worker_id = v_worker.worker_id;
      end if;
    end if;

    if v_reason is not null then
      update triaged.workers
      set ended_at = v_now, end_reason = v_reason
      where worker_id = v_worker.worker_id
      returning * into v_worker;

      return next v_worker;

      p_limit := p_limit - 1;
      exit when p_limit = 0;
    end if;
  end loop;
end;
$$;
