-- Retention at once: drop the partitions of final tasks that are older than the given days
-- and of history older than 90, and expire cache and dedupe rows. Live tasks stay.
create or replace function triaged.cleanup_old_tasks(days integer default 7)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.drop_expired_partitions(task_days => days);
  perform triaged.expire_rows();
end;
$$;
