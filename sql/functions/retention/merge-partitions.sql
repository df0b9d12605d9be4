-- Merge old partitions: choose which, and begin. copy-partitions.sql and swap-partitions.sql go on.

-- Merge old partitions into few, and empty the default ones, by one short step. Returns a row for
-- the step, and none once there is nothing to do: call it until then, each time in a transaction
-- of its own. The arguments are those of drop_expired_partitions: the longer rows are kept, the
-- wider partitions may be, since a partition is dropped once all of it has expired.
-- Nothing is merged where a publication would send the copies to its subscribers.
--
--   began     table, and the partitions that are to be made
--   copied    another piece of their rows; nobody waits for it
--   waits     a snapshot that does not see the copies is still in use
--   swapped   the copies have taken the places of their sources
--   gave up   the sources changed or are gone; the copies are too, and the next call begins anew
create or replace function triaged.merge_partitions(
  task_days integer default null,
  history_days integer default null
)
returns table (table_name text, step text, partitions text[])
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
set lock_timeout to '500ms'
-- Rows that row security hides would be dropped without a copy; with this they raise an error.
set row_security to off
as $$
#variable_conflict use_column
declare
  v_table text;
  v_days integer;
begin
  perform triaged.take_lock('partition');

  for v_table, v_days in
    values
      ('final_tasks', coalesce(task_days, triaged.retention_days('final_tasks'))),
      ('task_history', coalesce(history_days, triaged.retention_days('task_history')))
  loop
    if exists (
      select from triaged.partition_rewrites as doing where doing.table_name = v_table
    ) then
      return query select v_table, did.step, did.partitions
      from triaged.continue_rewrite(v_table) as did;
      return;
    end if;

    continue when triaged.publishes_copies();

    partitions := triaged.begin_rewrite(v_table, v_days);

    if partitions is not null then
      return query select v_table, 'began', partitions;
      return;
    end if;
  end loop;
end;
$$;

-- Which partitions of a table to copy into which new ones next; starts[i] to ends[i] are those of
-- the i-th new one. No row where there is nothing to copy. First come past days with rows in the
-- default partition, once it is at rest: while it holds rows of today, more arrive. Then neighbours
-- that fill a week, month or year, or the rest of one.
create or replace function triaged.rewrites_wanted(p_table text, p_days integer)
returns table (sources text[], starts timestamptz[], ends timestamptz[])
language plpgsql
stable
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  -- Disk space that is used twice while the copy lasts, and read by one statement at its end.
  c_bytes_max constant bigint := 16 * 1024::bigint ^ 3;
  -- Bytes of the default partition that a swap reads while everybody waits.
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
      -- Partitions that expire soon are left to retention.
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

-- Begin to copy partitions of a table into new ones where rewrites_wanted has a row: make the new
-- ones, as partitions of a table of their own. Returns their names, or null where there is nothing
-- to copy.
create or replace function triaged.begin_rewrite(p_table text, p_days integer)
returns text[]
language plpgsql
as $$
declare
  v_key text := triaged.partition_key(p_table);
  v_work text := p_table || '_rewrite';
  v_wanted record;
  v_name text;
  v_made text[] := '{}';
  v_tablespace text;
begin
  select * into v_wanted from triaged.rewrites_wanted(p_table, p_days);

  if not found then
    return null;
  end if;

  -- A default tablespace that is that of the database anyway is refused for partitioned tables.
  perform set_config('default_tablespace', '', true)
  from pg_database
  join pg_tablespace on pg_tablespace.oid = dattablespace
  where datname = current_database() and spcname = current_setting('default_tablespace');

  v_tablespace := current_setting('default_tablespace');

  -- Where the table was told to keep what is at rest, indexes as well; days are made, and rows of
  -- the default partition put into theirs, elsewhere.
  perform set_config('default_tablespace', spcname, true)
  from pg_class join pg_tablespace on pg_tablespace.oid = pg_class.reltablespace
  where
    pg_class.oid = format('triaged.%I', p_table)::regclass
    and v_wanted.sources <> array[p_table || '_default'];

  -- Left behind by a restored dump, for one.
  execute format('drop table if exists triaged.%I', v_work);
  execute format(
    'create table triaged.%I (
       like triaged.%I including defaults including constraints including indexes
     )
     partition by range (%I)',
    v_work, p_table, v_key
  );
  perform triaged.close_table(v_work);

  for place in 1..cardinality(v_wanted.starts) loop
    v_name := p_table || to_char(v_wanted.starts[place], '_YYYYMMDD')
      || case when v_wanted.ends[place] > v_wanted.starts[place] + interval '1 day'
        then to_char(v_wanted.ends[place] - interval '1 day', '_YYYYMMDD') else '' end;

    execute format('create table triaged.%I partition of triaged.%I for values from (%L) to (%L)',
      v_name, v_work, v_wanted.starts[place], v_wanted.ends[place]);
    perform triaged.close_table(v_name);

    -- Proves the range to the statement that attaches it, which reads all rows otherwise.
    execute format(
      'alter table triaged.%1$I
       add constraint %2$I check (%3$I >= %4$L and %3$I < %5$L)',
      v_name, v_name || '_in_range', v_key, v_wanted.starts[place], v_wanted.ends[place]
    );

    v_made := v_made || v_name;
  end loop;

  if v_wanted.sources = array[p_table || '_default'] then
    execute format('create table triaged.%I partition of triaged.%I default',
      v_work || '_default', v_work);
    perform triaged.close_table(v_work || '_default');
  end if;

  -- Rows that left their source after they were copied are deleted from the copy.
  if p_table = 'task_history' then
    for v_name in
      select relid::regclass::text from pg_partition_tree(format('triaged.%I', v_work)::regclass)
    loop
      execute format('alter table %s replica identity full', v_name);
    end loop;
  end if;

  perform set_config('default_tablespace', v_tablespace, true);

  insert into triaged.partition_rewrites (table_name, sources, copied_by, started_at)
  values (p_table, v_wanted.sources, pg_current_xact_id(), triaged.now());

  return v_made;
end;
$$;

-- Whether a publication of all tables, or of the whole schema, sends the copies that
-- merge_partitions makes: rows that subscribers have already, into tables that they lack. That
-- breaks a subscription. There are subscribers only where the log of the server can be decoded.
create or replace function triaged.publishes_copies()
returns boolean
language sql
stable
as $$
  select
    current_setting('wal_level') = 'logical'
    and exists (
      select from pg_publication as publication
      where
        publication.pubinsert
        and (
          publication.puballtables
          or exists (
            select from pg_publication_namespace as published
            join pg_class as queue on queue.relnamespace = published.pnnspid
            where
              published.pnpubid = publication.oid and queue.oid = 'triaged.live_tasks'::regclass
          )
        )
    );
$$;
