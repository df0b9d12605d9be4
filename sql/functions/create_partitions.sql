-- Make the partitions of final_tasks and task_history for today and some days ahead, by
-- day of UTC, and for each day that has rows in the default partition, which are moved:
-- else they would never expire. Returns how many were made. Waits for locks no longer
-- than lock_timeout of the caller, and for its turn as take_lock does.
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
  v_day date;
begin
  if days_ahead not between 0 and 366 then
    raise exception 'expected days_ahead to be 0 to 366, got %', days_ahead
      using errcode = '22023';
  end if;

  -- Before the default partitions are looked at: a caller that holds a lock on them and
  -- waits for another one that attaches would wait for ever. The second finds what the
  -- first has made.
  perform triaged.take_lock('partition');

  foreach v_day in array array(
    select v_today + ahead from generate_series(0, days_ahead) as ahead
    union
    select (ended_at at time zone 'UTC')::date from triaged.final_tasks_default
    order by 1
  ) loop
    v_made := v_made + triaged.create_partition('final_tasks', v_day)::integer;
  end loop;

  foreach v_day in array array(
    select v_today + ahead from generate_series(0, days_ahead) as ahead
    union
    select (at at time zone 'UTC')::date from triaged.task_history_default
    order by 1
  ) loop
    v_made := v_made + triaged.create_partition('task_history', v_day)::integer;
  end loop;

  return v_made;
end;
$$;
