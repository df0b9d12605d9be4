-- Begin to copy partitions of a table into other ones, where that is wanted: make those, as
-- partitions of a table of their own. Returns their names, or null where nothing is wanted.
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
begin
  select * into v_wanted from triaged.rewrites_wanted(p_table, p_days);

  if not found then
    return null;
  end if;

  -- Where it is that of the database anyway, it is refused for partitioned tables.
  perform set_config('default_tablespace', '', true)
  from pg_database
  join pg_tablespace on pg_tablespace.oid = dattablespace
  where datname = current_database() and spcname = current_setting('default_tablespace');

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

  -- What was copied and is gone from its source is deleted from the copy.
  if p_table = 'task_history' then
    for v_name in
      select relid::regclass::text from pg_partition_tree(format('triaged.%I', v_work)::regclass)
    loop
      execute format('alter table %s replica identity full', v_name);
    end loop;
  end if;

  insert into triaged.partition_rewrites (table_name, sources, copied_by, started_at)
  values (p_table, v_wanted.sources, pg_current_xact_id(), triaged.now());

  return v_made;
end;
$$;
