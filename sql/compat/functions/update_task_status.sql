-- triaged.update_task_status by the id that get_next_task gave. Raises TR001 for an unknown one.
create or replace function triaged_compat.update_task_status(
  task_id_param varchar,
  status_param varchar,
  result_param jsonb default null,
  error_param text default null,
  attempt_count_param integer default null
)
returns void
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_task_id bigint := triaged.task_id_of(task_id_param);
begin
  if v_task_id is null then
    raise exception 'there is no task %', to_json(left(task_id_param, 80))
      using
        errcode = 'TR001',
        hint = 'Tasks are dropped some days after they end; their ids go with them.';
  end if;

  perform triaged.update_task_status(
    v_task_id, status_param, result_param, error_param, attempt_count_param
  );
end;
$$;
