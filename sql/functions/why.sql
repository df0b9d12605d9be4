-- Why a task does not run, or what became of it: a row for each reason, the most telling
-- first, with what can be done. One row for a task that is unknown. Of one that finished it
-- quotes the message in its result, if there is one. Bounded work: it counts at most a
-- thousand tasks that are ahead.
create or replace function triaged.why(task_id bigint)
returns table (reason text, hint text)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Times and spans are part of its texts.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_task triaged.live_tasks;
begin
  select * into v_task from triaged.tasks as task where task.task_id = why.task_id;

  if not found then
    return query select * from triaged.why_unknown(why.task_id);
  elsif v_task.status = 'queued' then
    return query select * from triaged.why_queued(v_task);
  elsif v_task.status = 'started' then
    return query select * from triaged.why_started(v_task);
  elsif v_task.status = 'needs_decision' then
    return query select
      'a person must decide: ' || v_task.decision_prompt,
      format('decide_task(%s, ''{"answer": "yes"}''), or triaged decide %s', v_task.task_id,
        v_task.task_id);
  else
    return query select
      format('it is %s since %s%s', v_task.status, v_task.ended_at,
        ': ' || coalesce(v_task.error, left(v_task.result ->> 'message', 500))),
      case
        when v_task.status in ('failed', 'cancelled')
          then format('retry_task(%s) queues it again', v_task.task_id)
      end;
  end if;
end;
$$;
