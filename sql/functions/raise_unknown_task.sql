-- Raise that there is no such task.
create or replace function triaged.raise_unknown_task(p_task_id bigint)
returns void
language plpgsql
as $$
begin
  raise exception 'there is no task %', p_task_id
    using
      errcode = 'TR001',
      hint = 'Tasks are dropped some days after they end; task_history keeps their story longer.';
end;
$$;
