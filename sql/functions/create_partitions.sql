-- Make the partitions of final_tasks and task_history for today and some days ahead, by
-- day of UTC. Returns how many were made. Rows of such a day that came too early lie in
-- the default partition and are moved. Waits for locks no longer than lock_timeout of
-- the caller.
create or replace function triaged.create_partitions(days_ahead integer default 7)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_made integer := 0;
  v_parent text;
  v_day date;
begin
  foreach v_parent in array array['final_tasks', 'task_history'] loop
    for v_day in
      select generate_series(
        (triaged.now() at time zone 'UTC')::date,
        (triaged.now() at time zone 'UTC')::date + days_ahead,
        interval '1 day'
      )::date
    loop
      if triaged.create_partition(v_parent, v_day) then
        v_made := v_made + 1;
      end if;
    end loop;
  end loop;

  return v_made;
end;
$$;
