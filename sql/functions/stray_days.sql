-- The days that are over and have rows in the default partition of a table, the oldest first.
create or replace function triaged.stray_days(p_table text, p_limit integer default 100)
returns setof date
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Dates go into its statement as text.
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
begin
  return query execute format(
    'select distinct (%1$I at time zone ''UTC'')::date as day
     from triaged.%2$I
     where %1$I < %3$L
     order by day
     limit %4$s',
    triaged.partition_key(p_table), p_table || '_default',
    date_trunc('day', triaged.now(), 'UTC'), p_limit
  );
end;
$$;
