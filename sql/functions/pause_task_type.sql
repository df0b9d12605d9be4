-- Claim no more tasks of a type, in no queue. What is started goes on.
create or replace function triaged.pause_task_type(task_type text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- A type that no worker has told of yet has the default that enqueue_task has.
  insert into triaged.task_types as known (task_type, max_attempts, paused_at)
  values (pause_task_type.task_type, 3, triaged.now())
  on conflict on constraint task_types_pkey
  do update set paused_at = coalesce(known.paused_at, excluded.paused_at);
end;
$$;
