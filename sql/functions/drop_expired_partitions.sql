-- Retention: drop the partitions of which every row is older than the given number of days; 0
-- keeps them for ever, and null stands for what queue_settings says. Returns what was dropped, at
-- most max_partitions. A partition whose lock
-- cannot be had is left for the next run, so that no reader makes the writers queue: 100 ms for
-- the table, which waits for whoever reads or writes it at all, and then nothing for the
-- partition itself.
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
      -- Once it is had, it is held to the end of the transaction, with all that queue for it.
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
