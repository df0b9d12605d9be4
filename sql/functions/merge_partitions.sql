-- Bring old partitions down to few, and empty the default ones, by one short step. Returns a row
-- for a step that was made, and none once there is nothing to do: call it until then, each time
-- in a transaction of its own. The arguments are those of drop_expired_partitions: the longer
-- rows are kept, the wider partitions may be, since one is dropped when all of it has expired.
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
-- Rows that row security hides would be dropped without a copy; so it is an error.
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
