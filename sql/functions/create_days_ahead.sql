-- Make the partitions of a table for some days after today where its default partition is large,
-- and return how many; 0 where it is not, or holds rows of those days. To attach a partition, the
-- server reads the default one, and its writers wait: here once for all days, since a constraint
-- that lasts as long as this transaction proves that it has no row of any.
create or replace function triaged.create_days_ahead(p_parent text, p_days integer)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
set lock_timeout to '500ms'
as $$
declare
  -- Less than that is read in a moment.
  c_bytes_min constant bigint := 8 * 1024 ^ 2;
  v_key text := triaged.partition_key(p_parent);
  v_default text := p_parent || '_default';
  v_from timestamptz := date_trunc('day', triaged.now(), 'UTC') + interval '24 hours';
  v_to timestamptz := v_from + p_days * interval '24 hours';
  v_made integer := 0;
begin
  if pg_relation_size(format('triaged.%I', v_default)) < c_bytes_min then
    return 0;
  end if;

  perform triaged.take_lock('partition');

  if not exists (
    select from generate_series(v_from, v_to - interval '24 hours', interval '24 hours') as day
    where not exists (
      select from triaged.partitions as known
      where known.table_name = p_parent and known.starts_at <= day and known.ends_at > day
    )
  ) then
    return 0;
  end if;

  execute format(
    'alter table triaged.%1$I
     add constraint %2$I check (%3$I < %4$L or %3$I >= %5$L)',
    v_default, v_default || '_not_ahead', v_key, v_from, v_to
  );

  for ahead in 1..p_days loop
    v_made := v_made + triaged.create_partition(p_parent, (v_from::date + ahead - 1))::integer;
  end loop;

  execute format('alter table triaged.%I drop constraint %I',
    v_default, v_default || '_not_ahead');

  return v_made;
exception
  when check_violation then
    return 0;
end;
$$;
