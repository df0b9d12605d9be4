-- For how many days rows of a table are kept, as queue_settings says: 0 = for ever, and where the
-- setting is gone.
create or replace function triaged.retention_days(table_name text)
returns integer
language sql
stable
set search_path to pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select setting.value::integer
      from triaged.queue_settings as setting
      where setting.name = case retention_days.table_name
        when 'final_tasks' then 'task_retention_days'
        when 'task_history' then 'history_retention_days'
      end
    ),
    0
  );
$$;
