-- Renew the lease of a worker. held is false once the worker was declared dead: it drops
-- what it runs and registers anew. cancel_requests are the attempts it holds whose cancel
-- was requested: [{"task_id": "1", "attempt": 2}].
create or replace function triaged.heartbeat_worker(worker_id bigint)
returns table (held boolean, cancel_requests jsonb)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_before timestamptz;
begin
  select mine.heartbeat_at into v_before
  from triaged.workers as mine
  where mine.worker_id = heartbeat_worker.worker_id and mine.ended_at is null;

  perform triaged.note_setback(v_before);

  update triaged.workers
  set heartbeat_at = triaged.now(), lock_lost_at = null
  where worker_id = heartbeat_worker.worker_id and ended_at is null;

  return query select found, triaged.cancel_requests(heartbeat_worker.worker_id);
end;
$$;
