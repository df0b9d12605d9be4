-- Put merged partitions into the places of their sources.

-- Put the copies into the places of their sources, if they are equal. First the sources are locked
-- and compared with the copies, while their writers wait (only a retry of an old task writes to
-- past days). Then the table is locked, for some milliseconds.
create or replace function triaged.end_rewrite(p_rewrite triaged.partition_rewrites)
returns table (step text, partitions text[])
language plpgsql
as $$
declare
  v_table text := p_rewrite.table_name;
  v_work text := v_table || '_rewrite';
  v_sources text := (
    select string_agg(
      format('select %s from triaged.%I', triaged.column_list(v_table), name), ' union all '
    )
    from unnest(p_rewrite.sources) as name
  );
  v_source text;
begin
  -- A transaction with a snapshot from before the last copy would find neither the dropped
  -- rows nor their copies. Of other roles' sessions only some owners see the snapshots.
  if exists (
    select from pg_stat_activity
    where
      datname = current_database()
      and pid <> pg_backend_pid()
      and backend_type = 'client backend'
      and age(backend_xmin) >= age(p_rewrite.copied_by::xid)
  ) then
    return query select 'waits', p_rewrite.sources;
    return;
  end if;

  foreach v_source in array p_rewrite.sources loop
    execute format('lock table only triaged.%I in share mode', v_source);
  end loop;

  if not triaged.is_copied(v_table, v_sources) then
    return query select 'gave up', triaged.abandon_rewrite(v_table);
    return;
  end if;

  execute format('lock table only triaged.%I in access exclusive mode', v_table);

  return query select 'swapped', triaged.swap_partitions(v_table, p_rewrite.sources);
end;
$$;

-- Whether the copies of a rewrite hold the rows that p_sources selects, after changes made
-- meanwhile were applied to the copies as well. The caller has locked the sources.
create or replace function triaged.is_copied(p_table text, p_sources text)
returns boolean
language plpgsql
as $$
declare
  v_work text := p_table || '_rewrite';
  v_key text := triaged.partition_key(p_table);
  v_id text := case p_table when 'task_history' then 'history_id' else 'task_id' end;
  v_compare text := format(
    'select (select (count(*), coalesce(sum(%1$I), 0)) from (%2$s) as source)
       = (select (count(*), coalesce(sum(%1$I), 0)) from triaged.%3$I)',
    v_id, p_sources, v_work
  );
  v_same boolean;
begin
  execute v_compare into v_same;

  if v_same then
    return true;
  end if;

  execute format(
    'delete from triaged.%3$I as copy
     where not exists (
       select from (%4$s) as source where (source.%1$I, source.%2$I) = (copy.%1$I, copy.%2$I)
     )',
    v_id, v_key, v_work, p_sources
  );

  execute format(
    'insert into triaged.%3$I (%5$s)
     select %5$s from (%4$s) as source
     where not exists (
       select from triaged.%3$I as copy
       where (source.%1$I, source.%2$I) = (copy.%1$I, copy.%2$I)
     )',
    v_id, v_key, v_work, p_sources, triaged.column_list(p_table)
  );

  execute v_compare into v_same;

  return v_same;
end;
$$;

-- Drop the sources of a rewrite and attach its copies instead. The caller has locked the table.
-- Returns the partitions that are new.
create or replace function triaged.swap_partitions(p_table text, p_sources text[])
returns text[]
language plpgsql
as $$
declare
  v_work text := p_table || '_rewrite';
  v_default text := p_table || '_default';
  v_source text;
  v_rights record;
  v_copy record;
  v_made text[] := '{}';
begin
  -- The default partition is read by its name, so its successor needs the same rights.
  for v_rights in
    select grantee::regrole as role, string_agg(privilege_type, ', ') as privileges
    from pg_class cross join lateral aclexplode(relacl)
    where
      oid = format('triaged.%I', v_default)::regclass
      and v_default = any (p_sources)
      and grantee <> relowner
      and grantee <> 0
    group by grantee
  loop
    execute format('grant %s on triaged.%I to %s',
      v_rights.privileges, v_work || '_default', v_rights.role);
  end loop;

  foreach v_source in array p_sources loop
    execute format('drop table triaged.%I', v_source);
  end loop;

  for v_copy in
    select partition.relname as name, pg_get_expr(partition.relpartbound, partition.oid) as bounds
    from pg_inherits as inherited
    join pg_class as partition on partition.oid = inherited.inhrelid
    where inherited.inhparent = format('triaged.%I', v_work)::regclass
    order by partition.relname = v_work || '_default', partition.relname
  loop
    execute format('alter table triaged.%I detach partition triaged.%I', v_work, v_copy.name);

    if v_copy.name = v_work || '_default' then
      execute format('alter table triaged.%I rename to %I', v_copy.name, v_default);
      execute format('alter table triaged.%I attach partition triaged.%I default',
        p_table, v_default);
    else
      execute format('alter table triaged.%I attach partition triaged.%I %s',
        p_table, v_copy.name, v_copy.bounds);
      execute format('alter table triaged.%I drop constraint %I',
        v_copy.name, v_copy.name || '_in_range');
      v_made := v_made || v_copy.name::text;
    end if;
  end loop;

  execute format('drop table triaged.%I', v_work);
  delete from triaged.partition_rewrites where table_name = p_table;

  return v_made;
end;
$$;
