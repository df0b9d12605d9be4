-- -> queued. The part of add_tasks that has dedupe keys.
drop function if exists triaged.enqueue_keyed_tasks(jsonb);

create or replace function triaged.enqueue_keyed_tasks(p_tasks jsonb, p_by text)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_task record;
begin
  for v_task in
    select *
    from rows from (
      jsonb_to_recordset(p_tasks) as (
        task_type text, payload jsonb, queue text, priority text, run_at timestamptz,
        max_attempts integer, dedupe_key text, dedupe_mode text, dedupe_for interval,
        parent_task_id bigint, metadata jsonb
      )
    ) with ordinality as each
    where each.dedupe_key is not null
    order by each.dedupe_key, each.ordinality
  loop
    return query
    select v_task.ordinality::integer, answer.task_id, answer.outcome
    from triaged.add_task(
      v_task.task_type, coalesce(v_task.payload, '{}'), coalesce(v_task.queue, 'default'),
      v_task.priority, v_task.run_at, v_task.max_attempts, v_task.dedupe_key,
      coalesce(v_task.dedupe_mode, 'keep'), v_task.dedupe_for, v_task.parent_task_id,
      coalesce(v_task.metadata, '{}'), p_by
    ) as answer;
  end loop;
end;
$$;
