-- What is known of partitions, and how a new one is closed.

-- The column that a partitioned table of the queue is partitioned by. Refuses every other
-- table: its callers put the name into statements.
create or replace function triaged.partition_key(p_table text)
returns text
language plpgsql
immutable
as $$
begin
  if p_table = 'final_tasks' then
    return 'ended_at';
  elsif p_table = 'task_history' then
    return 'at';
  end if;

  raise exception 'expected final_tasks or task_history, got %', p_table
    using errcode = '22023';
end;
$$;

-- From when to when the partition of an oid holds rows; null for a default partition. The catalog
-- prints the bounds as an expression, by the settings of the session: German dates, or a zone whose
-- abbreviation means two things, would be read back as other times.
create or replace function triaged.partition_bounds(p_partition bigint)
returns timestamptz[]
language sql
stable
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
  select regexp_match(
    pg_get_expr(relpartbound, oid), '[(]''([^'']+)''[)] TO [(]''([^'']+)''[)]'
  )::timestamptz[]
  from pg_class
  where oid = p_partition::oid;
$$;

-- The past days that have rows in the default partition of a table, the oldest first.
create or replace function triaged.stray_days(p_table text, p_limit integer default 100)
returns setof date
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Dates are written into the statement as text.
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

-- Leave a new table to its owner alone, like its neighbours. Default privileges may give a new
-- table to other roles or take it from its owner, and event triggers of a platform may hide its
-- rows. Partitions are read through the table that they belong to.
create or replace function triaged.close_table(p_table text)
returns void
language plpgsql
as $$
declare
  v_table oid := format('triaged.%I', p_table)::regclass;
  v_other record;
begin
  for v_other in
    select
      case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as name
    from pg_class cross join lateral aclexplode(relacl)
    where pg_class.oid = v_table and grantee <> relowner
    group by grantee
  loop
    execute format('revoke all on triaged.%I from %s cascade', p_table, v_other.name);
  end loop;

  if exists (select from pg_class where pg_class.oid = v_table and relacl is not null) then
    execute format(
      'grant all on triaged.%I to %I',
      p_table, (select pg_get_userbyid(relowner) from pg_class where pg_class.oid = v_table)
    );
  end if;

  if exists (
    select from pg_class where pg_class.oid = v_table and (relrowsecurity or relforcerowsecurity)
  ) then
    execute format(
      'alter table triaged.%I no force row level security, disable row level security', p_table
    );
  end if;
end;
$$;
