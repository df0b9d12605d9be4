-- started -> queued, for every task of up to max_workers workers that are found dead. A
-- task whose worker died max_rescues times is taken for the cause: started -> failed. A
-- pending cancel request wins over both: started -> cancelled.
create or replace function triaged.rescue_tasks(
  max_workers integer default 10,
  max_rescues integer default 3
)
returns table (task_id bigint, status text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_dead bigint[] := array(
    select dead.worker_id from triaged.dead_workers(rescue_tasks.max_workers) as dead
  );
begin
  return query
  select rescued.task_id, rescued.status
  from triaged.rescue_tasks_of(v_dead, rescue_tasks.max_rescues) as rescued;
end;
$$;
