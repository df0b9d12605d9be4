-- Retention: drop the partitions whose last day is older than the given number of days;
-- 0 keeps them for ever. Returns what was dropped. A partition whose lock cannot be had
-- within 100 ms is left for the next run, so that no reader makes the writers queue.
create or replace function triaged.drop_expired_partitions(
  task_days integer default 7,
  history_days integer default 90
)
returns setof text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set lock_timeout to '100ms'
as $$
declare
  v_today date := (triaged.now() at time zone 'UTC')::date;
  v_expired record;
begin
  if task_days < 0 or history_days < 0 then
    raise exception 'expected days to be 0 or more, got % and %', task_days, history_days
      using errcode = '22023';
  end if;

  for v_expired in
    select partition.relname as name
    from pg_inherits as inherited
    join pg_class as partition on partition.oid = inherited.inhrelid
    cross join lateral (
      select case inherited.inhparent
        when 'triaged.final_tasks'::regclass then task_days
        when 'triaged.task_history'::regclass then history_days
        else 0
      end as days
    ) as kept
    where
      kept.days > 0
      and partition.relname ~ '_[0-9]{8}$'
      and to_date(right(partition.relname, 8), 'YYYYMMDD') < v_today - kept.days
    order by partition.relname
  loop
    begin
      execute format('drop table triaged.%I', v_expired.name);
      return next v_expired.name;
    exception
      when lock_not_available then
        raise notice 'partition % is in use; the next run tries again', v_expired.name;
    end;
  end loop;
end;
$$;
