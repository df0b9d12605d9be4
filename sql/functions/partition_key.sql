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
