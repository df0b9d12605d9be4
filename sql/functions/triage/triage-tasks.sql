-- The object that enqueue_row and import_task take, from a row under the column names of the older
-- system. Such a task has a type that the older system knew, unless it has a given id by which it
-- is found.
create or replace function triaged.row_of_triage(triage jsonb)
returns jsonb
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
declare
  v_triage jsonb := row_of_triage.triage;
  v_task_type text := v_triage ->> 'task_type';
  v_skill_name text := v_triage ->> 'skill_name';
  v_metadata jsonb := coalesce(nullif(v_triage -> 'metadata', 'null'), '{}');
begin
  if
    v_task_type not in ('consumer_triage', 'template_triage', 'change_notification')
    and v_triage ->> 'given_id' is null
  then
    raise exception 'a task of type % would not be seen here', to_json(left(v_task_type, 80))
      using
        errcode = '22023',
        hint = 'Here are consumer_triage, template_triage and change_notification; '
          'insert others into triaged.tasks.';
  end if;

  if v_skill_name <> 'trigger_' || v_task_type then
    v_metadata := v_metadata || jsonb_build_object('skill_name', v_skill_name);
  end if;

  return (v_triage - '{skill_name, source_repo, target_repo, change_event, relationship_config,
    worker_id}'::text[])
    || jsonb_build_object(
      'metadata', v_metadata,
      'worker_name', v_triage -> 'worker_id',
      'payload', jsonb_build_object(
        'source_repo', v_triage -> 'source_repo',
        'target_repo', v_triage -> 'target_repo',
        'change_event', coalesce(nullif(v_triage -> 'change_event', 'null'), '{}'),
        'relationship_config', coalesce(nullif(v_triage -> 'relationship_config', 'null'), '{}')
      )
    );
end;
$$;
