-- Raise why an event is not possible for a task: there is none, or its status forbids it.
create or replace function triaged.raise_not_possible(p_task_id bigint, p_verb text)
returns void
language plpgsql
as $$
declare
  v_status text;
begin
  select task.status into v_status from triaged.tasks as task where task.task_id = p_task_id;

  if not found then
    perform triaged.raise_unknown_task(p_task_id);
  end if;

  raise exception 'task % is %: it cannot be %', p_task_id, v_status, p_verb
    using
      errcode = 'TR002',
      hint = case
        when v_status = 'finished' then 'A finished task stays as it is; enqueue a new one.'
        when v_status in ('failed', 'cancelled') then 'retry_task(task_id) queues it again.'
        else 'docs/task-status.md lists what can happen in which status.'
      end;
end;
$$;
