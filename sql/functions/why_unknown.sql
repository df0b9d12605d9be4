-- The answer of why for a task that is in no table.
create or replace function triaged.why_unknown(p_task_id bigint)
returns table (reason text, hint text)
language plpgsql
stable
as $$
declare
  v_last triaged.task_history;
begin
  select * into v_last
  from triaged.task_history as history
  where history.task_id = p_task_id
  order by history.history_id desc
  limit 1;

  if found then
    return query select
      format('it was %s at %s, and its retention has passed', v_last.status, v_last.at),
      'its history is still there';
  else
    return query select
      format('there is no task %s', p_task_id),
      'was the transaction that enqueued it committed?';
  end if;
end;
$$;
