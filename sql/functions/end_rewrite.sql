-- Put the copies in the places of their sources, if they are the same. First the sources are
-- held, whose writers wait meanwhile (nobody writes to days that are over, but a retry of an old
-- task), and compared with the copies; then the table, for some milliseconds.
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
