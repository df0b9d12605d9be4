-- Claim nothing more of a queue. What is started goes on.
create or replace function triaged.pause_queue(queue text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  insert into triaged.queues as known (queue, paused_at)
  values (pause_queue.queue, triaged.now())
  on conflict on constraint queues_pkey
  do update set paused_at = coalesce(known.paused_at, excluded.paused_at);
end;
$$;
