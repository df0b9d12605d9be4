-- Make partitions ahead of time.

-- Make the partitions of final_tasks and task_history for some days ahead, for today, and for past
-- days that have rows in the default partition. Returns how many were made. Warns about each
-- partition that could not be made, and goes on. All in one transaction, whose locks add up:
-- `triaged jobs` calls create_partition for each day by itself.
create or replace function triaged.create_partitions(days_ahead integer default 7)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Times are written as text and read back: by the settings of the caller, zones would change.
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

-- Make the partitions of a table for some days after today where its default partition is large.
-- Returns how many; 0 where the default partition is small, or holds rows of those days. To attach
-- a partition, the server reads the default partition while its writers wait. Here it reads once
-- for all days: a constraint that lasts as long as this transaction proves that the default
-- partition has no row of any of them.
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
  -- A smaller default partition is read in a moment.
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

-- Make the partition of a table for one day of UTC. Returns false where a partition covers the day
-- already, and where this one must wait: the default partition holds more rows of that day than can
-- be moved in a moment, or subscribers would lose rows by the move. While the day lasts the rows
-- stay there; merge_partitions moves them later, without deleting them. Few rows are moved at once.
-- Waits half a second at most for each lock, and then raises 55P03.
--
-- A writer chooses a partition first and then waits for its lock. A writer that chose the default
-- partition, and waits while a partition for its row is made, is refused with 23514. So the writers
-- of a day that may have some are made to wait before they choose.
create or replace function triaged.create_partition(p_parent text, p_day date)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
set lock_timeout to '500ms'
-- So that the constraint of create_days_ahead spares a read of the default partition.
set constraint_exclusion to on
-- Rows that row security hides would be left out; with this they raise an error.
set row_security to off
as $$
declare
  -- Rows moved under the lock: some 50 ms.
  c_rows_max constant integer := 10000;
  v_now timestamptz := triaged.now();
  v_key text := triaged.partition_key(p_parent);
  v_name text := p_parent || to_char(p_day, '_YYYYMMDD');
  v_from timestamptz := p_day::timestamp at time zone 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp at time zone 'UTC';
  v_stray text := format('from triaged.%I where %I >= %L and %I < %L',
    p_parent || '_default', v_key, v_from, v_key, v_to);
  v_stray_count integer;
begin
  -- Two callers take turns: the second one finds the partition of the first.
  perform triaged.take_lock('partition');

  if
    exists (
      select from triaged.partitions as known
      where known.table_name = p_parent and known.starts_at < v_to and known.ends_at > v_from
    )
    -- merge_partitions is at work on it.
    or exists (
      select from pg_inherits
      where
        inhparent = to_regclass(format('triaged.%I', p_parent || '_rewrite'))
        and inhrelid = to_regclass(format('triaged.%I', v_name))
    )
  then
    return false;
  end if;

  execute format('select count(*) from (select %s limit %s) as stray', v_stray, c_rows_max + 1)
  into v_stray_count;

  if v_stray_count > c_rows_max or (v_stray_count > 0 and triaged.publishes_deletes(p_parent)) then
    return false;
  end if;

  -- Transactions of an hour are allowed for; one that lasted longer gets its 23514.
  if
    v_stray_count > 0
    or (v_from < v_now + interval '1 minute' and v_to > v_now - interval '1 hour')
  then
    execute format('lock table only triaged.%I in share row exclusive mode', p_parent);
  end if;

  execute format(
    'create table triaged.%I (like triaged.%I including defaults including constraints)',
    v_name, p_parent
  );
  perform triaged.close_table(v_name);

  -- Rows of history have no key, and partitions do not inherit what stands for one.
  if p_parent = 'task_history' then
    execute format('alter table triaged.%I replica identity full', v_name);
  end if;

  -- Nothing is deleted where nothing has to move.
  if v_stray_count > 0 then
    execute format(
      'with moved as (delete %s returning *) insert into triaged.%I select * from moved',
      v_stray, v_name
    );
  end if;

  execute format('alter table triaged.%I attach partition triaged.%I for values from (%L) to (%L)',
    p_parent, v_name, v_from, v_to);

  return true;
exception
  -- Deletes are published, and so refused: of a table without replica identity, or where that
  -- does not cover the filter of a publication. The name of the first is that of its class as
  -- well.
  when object_not_in_prerequisite_state or invalid_column_reference then
    if sqlstate not in ('55000', '42P10') or v_stray_count = 0 then
      raise;
    end if;

    return false;
end;
$$;

-- Whether a publication sends the deletes from the default partition of a table to its subscribers.
-- Rows moved from there into a table that is no partition yet would be deleted at the subscribers,
-- and not inserted again.
create or replace function triaged.publishes_deletes(p_table text)
returns boolean
language sql
stable
as $$
  select
    current_setting('wal_level') = 'logical'
    and exists (
      select from pg_publication_tables as published
      join pg_publication as publication on publication.pubname = published.pubname
      join pg_class as queue on queue.oid = 'triaged.live_tasks'::regclass
      join pg_namespace as home on home.oid = queue.relnamespace
      where
        publication.pubdelete
        and published.schemaname = home.nspname
        and published.tablename in (p_table, p_table || '_default')
    );
$$;
