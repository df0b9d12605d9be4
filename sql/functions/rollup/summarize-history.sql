-- Keep the newest rows of history easy to find.

-- Summarize the pages of history that were filled since, in its BRIN indexes: until then, whoever
-- looks for the newest rows reads all of these pages. Vacuum does that too, but of a large
-- partition only after a fifth more rows. Leaves a partition that vacuum has in hand. Returns how
-- many ranges of pages were summarized.
create or replace function triaged.summarize_history()
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Vacuum gives way to who waits for a second.
set lock_timeout to '100ms'
as $$
declare
  v_index record;
  v_ranges integer := 0;
begin
  for v_index in
    select pg_index.indexrelid::regclass as name
    from triaged.partitions as known
    join pg_class as partition on partition.relname = known.partition_name
    join pg_class as history on history.oid = 'triaged.task_history'::regclass
    join pg_index on pg_index.indrelid = partition.oid
    join pg_class as index on index.oid = pg_index.indexrelid
    join pg_am on pg_am.oid = index.relam
    where
      known.table_name = 'task_history'
      and partition.relnamespace = history.relnamespace
      and pg_am.amname = 'brin'
      and (
        known.starts_at is null
        or (
          known.starts_at <= triaged.now()
          and known.ends_at > triaged.now() - interval '24 hours'
        )
      )
  loop
    begin
      v_ranges := v_ranges + brin_summarize_new_values(v_index.name);
    exception
      -- Or it was dropped meanwhile.
      when lock_not_available or undefined_table or undefined_object then
        null;
    end;
  end loop;

  return v_ranges;
end;
$$;
