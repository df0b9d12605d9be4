-- triaged.cleanup_old_tasks for cron lines of the older system: what retention says, at once.
create or replace function triaged_compat.cleanup_old_tasks()
returns void
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.cleanup_old_tasks();
end;
$$;
