-- Make the partitions of final_tasks and task_history for some days ahead, for today, and for
-- days that are over and have rows in the default partition. Returns how many were made; says in
-- a warning which could not be, and goes on with the others. All in one transaction, whose locks
-- add up: `triaged jobs` calls create_partition for each day by itself.
create or replace function triaged.create_partitions(days_ahead integer default 7)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Points in time are written out and read back: by settings of the caller, zones would change.
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
declare
  v_today date := (triaged.now() at time zone 'UTC')::date;
  v_made integer := 0;
  v_missing record;
begin
  if days_ahead not between 0 and 366 then
    raise exception 'expected days_ahead to be 0 to 366, got %', days_ahead
      using errcode = '22023';
  end if;

  -- Of two callers the second waits for all that the first makes.
  perform triaged.take_lock('partition');

  begin
    v_made := triaged.create_days_ahead('final_tasks', days_ahead)
      + triaged.create_days_ahead('task_history', days_ahead);
  exception
    when others then
      raise warning 'days ahead are made one by one: %', sqlerrm;
  end;

  -- All days are found before the first lock is taken, and those ahead come first: whatever
  -- is wrong with today, tomorrow has its partition.
  for v_missing in
    select parent, day
    from unnest(array['final_tasks', 'task_history']) with ordinality as both_of (parent, place)
    cross join lateral (
      select v_today + ahead as day, 0 as turn from generate_series(1, days_ahead) as ahead
      union all
      select v_today, 1
      union all
      select stray, 2 from triaged.stray_days(parent) as stray
    ) as missing
    order by place, turn, day
  loop
    begin
      v_made := v_made
        + triaged.create_partition(v_missing.parent, v_missing.day)::integer;
    exception
      when others then
        raise warning 'no partition of % for %: %', v_missing.parent, v_missing.day, sqlerrm;
    end;
  end loop;

  return v_made;
end;
$$;
