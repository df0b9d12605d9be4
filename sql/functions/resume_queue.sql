-- Claim from a queue again.
create or replace function triaged.resume_queue(queue text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  update triaged.queues as known
  set paused_at = null
  where known.queue = resume_queue.queue and known.paused_at is not null;

  perform triaged.ring_doorbell();
end;
$$;
