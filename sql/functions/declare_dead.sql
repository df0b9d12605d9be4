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
