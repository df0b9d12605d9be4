-- Claim from a queue again.
create or replace function triaged.resume_queue(queue text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  insert into triaged.queues as known (queue, paused_at)
  values (resume_queue.queue, null)
  on conflict on constraint queues_pkey do update set paused_at = excluded.paused_at;

  perform triaged.ring_doorbell();
end;
$$;
