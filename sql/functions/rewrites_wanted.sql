-- Which partitions of a table should be copied into which others next; ranges[i] to ends[i] are
-- those of the i-th new one. No row where none should. First the days that are over and have rows
-- in the default partition, once it is at rest: while it holds rows of today, they come in. Then
-- neighbours that fill a week, month or year, or what is left of it.
create or replace function triaged.rewrites_wanted(p_table text, p_days integer)
returns table (sources text[], starts timestamptz[], ends timestamptz[])
language plpgsql
stable
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  -- Disk space that is used twice for the time of the copy; read in one statement at its end.
  c_bytes_max constant bigint := 16 * 1024::bigint ^ 3;
  -- What a swap reads of the default partition while everybody waits.
  c_default_bytes_max constant bigint := 8 * 1024 ^ 2;
  v_default text := p_table || '_default';
  v_now timestamp := triaged.now() at time zone 'UTC';
begin
  return query
  select array[v_default], array_agg(day::timestamptz order by day),
    array_agg((day + 1)::timestamptz order by day)
  from triaged.stray_days(p_table) as day
  where exists (
    select from triaged.partitions as known
    where known.table_name = p_table
      and known.starts_at <= triaged.now() and known.ends_at > triaged.now()
  )
  having count(*) > 0;

  if found or pg_relation_size(format('triaged.%I', v_default)) > c_default_bytes_max then
    return;
  end if;

  return query
  with widths as (
    -- A partition is kept for up to its width longer than its oldest row has to be.
    select * from (
      values
        ('year', interval '1 year', interval '1 year', 1500, null),
        ('month', interval '1 month', interval '2 days', 211, null),
        ('week', interval '7 days', interval '2 days', 31, 210)
    ) as known (unit, width, rests, days_min, days_max)
    where
      p_days between days_min and coalesce(days_max, p_days)
      or (p_days = 0 and days_max is null)
  ),
  inside as (
    select widths.unit, widths.width, first_day, known.partition_name, known.starts_at,
      known.ends_at,
      lag(known.ends_at) over (
        partition by widths.unit, first_day order by known.starts_at
      ) is distinct from known.starts_at as is_apart
    from triaged.partitions as known
    cross join widths
    cross join lateral date_trunc(widths.unit, known.starts_at::timestamp) as first_day
    where
      known.table_name = p_table
      and known.ends_at <= first_day + widths.width
      and first_day + widths.width <= v_now - widths.rests
      -- What expires soon is left to retention.
      and (p_days = 0 or known.ends_at > v_now - make_interval(days => p_days))
  ),
  neighbours as (
    select *, count(*) filter (where is_apart) over (
      partition by unit, first_day order by starts_at
    ) as place
    from inside
  )
  select array_agg(partition_name order by starts_at), array[min(starts_at)], array[max(ends_at)]
  from neighbours
  group by unit, width, first_day, place
  having
    count(*) > 1
    and sum(pg_total_relation_size(format('triaged.%I', partition_name))) <= c_bytes_max
  order by width desc, first_day, place
  limit 1;
end;
$$;
