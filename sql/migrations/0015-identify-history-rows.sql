-- A row of history has no key, and rows that are moved out of the default partition are deleted
-- there: a server that publishes deletes refuses them for a table without replica identity. The
-- whole row it is, which costs nothing until a row is deleted: history is written once. A key
-- would cost an index entry for each row that is written. Partitions do not inherit it.
alter table triaged.task_history replica identity full;

do $$
declare
  v_partition regclass;
begin
  for v_partition in
    select relid from pg_partition_tree('triaged.task_history')
    where relid <> 'triaged.task_history'::regclass
    union all
    -- Where merge_partitions is at work.
    select tree.relid
    from pg_partition_tree(to_regclass('triaged.task_history_rewrite')) as tree
  loop
    execute format('alter table %s replica identity full', v_partition);
  end loop;
end;
$$;
