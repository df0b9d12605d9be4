-- Trigger: refuse the statement. Which transitions are refused is said where the
-- trigger is made.
create or replace function triaged.refuse_transition()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  raise exception 'task % is %, and cannot become %', old.task_id, old.status, new.status
    using
      errcode = 'TR002',
      hint = 'docs/task-status.md lists the transitions; '
        'a failed or cancelled task runs again by retry_task(task_id).';
end;
$$;
