-- The older name of drop_old_tasks, without its count. Sweeps the cache of verdicts as well.
create or replace function triaged.cleanup_old_tasks(days integer default null)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.drop_old_tasks(days);
  perform triaged.expire_verdicts();
end;
$$;
