-- -> queued, many at once. tasks is an array of objects whose keys are the argument names
-- of enqueue_task; the answers come in the order of the array, position 1 first. All are
-- enqueued or, where one raises, none.
create or replace function triaged.enqueue_tasks(tasks jsonb)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Times in JSON are text, and mean the same whoever sends them.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
begin
  return query
  select added."position", added.task_id, added.outcome
  from triaged.add_tasks(enqueue_tasks.tasks, p_by => '') as added;
end;
$$;
