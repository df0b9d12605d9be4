-- The partitions of which every row is older than the given number of whole days of UTC, the
-- oldest first; 0 = none, null = as queue_settings says.
create or replace function triaged.expired_partitions(
  task_days integer default null,
  history_days integer default null
)
returns table (table_name text, partition_name text)
language sql
stable
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
  select known.table_name, known.partition_name
  from triaged.partitions as known
  join (
    values
      ('final_tasks', coalesce(task_days, triaged.retention_days('final_tasks'))),
      ('task_history', coalesce(history_days, triaged.retention_days('task_history')))
  ) as kept (table_name, days) using (table_name)
  where
    kept.days > 0
    and known.ends_at
      <= ((triaged.now() at time zone 'UTC')::date - kept.days)::timestamp at time zone 'UTC'
  order by known.table_name, known.ends_at;
$$;
