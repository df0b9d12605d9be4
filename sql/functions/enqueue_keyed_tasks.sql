-- -> queued. The part of enqueue_tasks that has dedupe keys.
create or replace function triaged.enqueue_keyed_tasks(p_tasks jsonb)
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
    from triaged.enqueue_task(
      v_task.task_type,
      coalesce(v_task.payload, '{}'),
      queue => coalesce(v_task.queue, 'default'),
      priority => v_task.priority,
      run_at => v_task.run_at,
      max_attempts => v_task.max_attempts,
      dedupe_key => v_task.dedupe_key,
      dedupe_mode => coalesce(v_task.dedupe_mode, 'keep'),
      dedupe_for => v_task.dedupe_for,
      parent_task_id => v_task.parent_task_id,
      metadata => coalesce(v_task.metadata, '{}')
    ) as answer;
  end loop;
end;
$$;
