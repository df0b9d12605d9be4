-- Trigger of the views tasks and triage_tasks: an insert enqueues. Columns that the queue
-- sets itself are ignored; task_id is returned. A dedupe_key that is held already makes
-- no second task: the row returned has the id of the first.
create or replace function triaged.insert_task()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_given jsonb;
begin
  -- Before anything of the row is read: on the view of a stranger that would call his casts.
  if tg_relid not in ('triaged.tasks'::regclass, 'triaged.triage_tasks'::regclass) then
    raise exception 'insert_task() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  v_given := to_jsonb(new);

  select answer.task_id into new.task_id
  from triaged.enqueue_plain_task(
    v_given ->> 'task_type',
    case tg_table_name
      when 'triage_tasks' then jsonb_build_object(
        'source_repo', v_given -> 'source_repo',
        'target_repo', v_given -> 'target_repo',
        'change_event', coalesce(v_given -> 'change_event', '{}'),
        'relationship_config', coalesce(v_given -> 'relationship_config', '{}')
      )
      else coalesce(nullif(v_given -> 'payload', 'null'), '{}')
    end,
    queue => coalesce(v_given ->> 'queue', 'default'),
    priority => v_given ->> 'priority',
    run_at => (v_given ->> 'run_at')::timestamptz,
    max_attempts => (v_given ->> 'max_attempts')::integer,
    dedupe_key => v_given ->> 'dedupe_key',
    parent_task_id => (v_given ->> 'parent_task_id')::bigint,
    metadata => coalesce(nullif(v_given -> 'metadata', 'null'), '{}')
  ) as answer;

  return new;
end;
$$;
