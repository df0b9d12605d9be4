-- Drop partitions whose retention has passed.

-- Retention: drop the partitions in which every row is older than the given number of days; 0 keeps
-- them for ever, and null stands for the value in queue_settings. Drops at most max_partitions, and
-- returns them. A partition whose lock is not free is left for the next run, so that no reader
-- makes the writers queue: this waits 100 ms for the table, whose lock waits for every reader and
-- writer, and not at all for the partition itself.
create or replace function triaged.drop_expired_partitions(
  task_days integer default null,
  history_days integer default null,
  max_partitions integer default null
)
returns setof text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set lock_timeout to '100ms'
as $$
declare
  v_left integer := max_partitions;
  v_busy text;
  v_expired record;
  v_dropped_id bigint;
begin
  task_days := coalesce(task_days, triaged.retention_days('final_tasks'));
  history_days := coalesce(history_days, triaged.retention_days('task_history'));

  if task_days < 0 or history_days < 0 then
    raise exception 'expected days to be 0 or more, got % and %', task_days, history_days
      using errcode = '22023';
  end if;

  for v_expired in
    select * from triaged.expired_partitions(task_days, history_days)
  loop
    exit when v_left = 0;
    continue when v_expired.table_name = v_busy;

    begin
      -- Once taken, it is held to the end of the transaction, while others queue for it.
      execute format('lock table only triaged.%I in access exclusive mode', v_expired.table_name);
    exception
      when lock_not_available then
        v_busy := v_expired.table_name;
        raise notice '% is in use; the next run drops its partitions', v_busy;
        continue;
    end;

    begin
      execute format('lock table triaged.%I in access exclusive mode nowait',
        v_expired.partition_name);

      if v_expired.table_name = 'task_history' then
        -- Of its last pages: rows are written in the order of ids, but for some that waited.
        execute format(
          'select max(history_id) from triaged.%1$I where ctid >= format(''(%%s,0)'','
          ' greatest(0, pg_relation_size(''triaged.%1$I'') / 8192 - 1000))::tid',
          v_expired.partition_name
        )
        into v_dropped_id;
        insert into triaged.dropped_history as known (until_id)
        values (coalesce(v_dropped_id, 0))
        on conflict (is_only) do update
        set until_id = greatest(known.until_id, excluded.until_id);
      end if;

      execute format('drop table triaged.%I', v_expired.partition_name);
      v_left := v_left - 1;
      return next v_expired.partition_name;
    exception
      when lock_not_available then
        raise notice 'partition % is in use; the next run tries again', v_expired.partition_name;
    end;
  end loop;
end;
$$;

-- Retention at once: drop the partitions of final tasks older than the given days, or than
-- task_retention_days, and those of history older than history_retention_days; delete expired rows.
-- Returns how many tasks were dropped. Live tasks stay.
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
  -- Counted before any lock, by the times of the tasks: past days gain no task, and lose one by a
  -- retry alone.
  select array_agg(known.partition_name), array_agg(holding.tasks) into v_names, v_counts
  from triaged.expired_partitions(drop_old_tasks.days, 0) as expired
  join triaged.partitions as known using (table_name, partition_name)
  cross join lateral (
    select count(*) as tasks
    from triaged.final_tasks as task
    where task.ended_at >= known.starts_at and task.ended_at < known.ends_at
  ) as holding;

  -- A left join: where one side of another join is empty, the other side, which drops, may not run.
  select coalesce(sum(holding.tasks), 0) into v_dropped
  from triaged.drop_expired_partitions(task_days => drop_old_tasks.days) as dropped
  left join unnest(v_names, v_counts) as holding (name, tasks) on holding.name = dropped;

  perform triaged.expire_rows();

  return v_dropped;
end;
$$;

-- The partitions in which every row is older than the given number of whole days of UTC, the oldest
-- first. 0 stands for no partition, null for the value in queue_settings.
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

-- For how many days rows of a table are kept, by queue_settings; 0, also where the setting is
-- missing, keeps them for ever.
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
        when 'audit_logs' then 'audit_retention_days'
      end
    ),
    0
  );
$$;
