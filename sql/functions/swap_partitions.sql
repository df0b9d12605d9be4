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
  -- Asked by name, so its successor wants the same rights.
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
