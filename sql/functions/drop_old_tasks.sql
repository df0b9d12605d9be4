-- Retention at once: drop the partitions of final tasks that are older than the given days, or
-- than task_retention_days says, and those of history older than history_retention_days; expire
-- rows. Returns how many tasks went. Live tasks stay.
create or replace function triaged.drop_old_tasks(days integer default null)
returns bigint
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
declare
  v_names text[];
  v_counts bigint[];
  v_dropped bigint;
begin
  -- Counted before any lock, and by the time that each has: days that are over gain no task, and
  -- lose one by a retry alone.
  select array_agg(known.partition_name), array_agg(holding.tasks) into v_names, v_counts
  from triaged.expired_partitions(drop_old_tasks.days, 0) as expired
  join triaged.partitions as known using (table_name, partition_name)
  cross join lateral (
    select count(*) as tasks
    from triaged.final_tasks as task
    where task.ended_at >= known.starts_at and task.ended_at < known.ends_at
  ) as holding;

  -- Left: to what has no partner a join need not come, and what drops would not be called.
  select coalesce(sum(holding.tasks), 0) into v_dropped
  from triaged.drop_expired_partitions(task_days => drop_old_tasks.days) as dropped
  left join unnest(v_names, v_counts) as holding (name, tasks) on holding.name = dropped;

  perform triaged.expire_rows();

  return v_dropped;
end;
$$;
