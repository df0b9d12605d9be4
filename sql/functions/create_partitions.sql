-- Make the partitions of final_tasks and task_history for some days ahead, for today, and for
-- days that are over and have rows in the default partition. Returns how many were made; says in
-- a warning which could not be, and goes on with the others. All in one transaction, whose locks
-- add up: `triaged jobs` calls create_partition for each day by itself.
create or replace function triaged.create_partitions(days_ahead integer default 7)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_today date := (triaged.now() at time zone 'UTC')::date;
  v_made integer := 0;
  v_missing record;
begin
  -- Of two callers the second waits for all that the first makes, for as long as its
  -- lock_timeout lets it.
  perform pg_advisory_xact_lock(triaged.lock_key('partition', 0));

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
