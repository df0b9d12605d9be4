-- The worker that stands for one of another system in tasks that are imported: one that has ended,
-- with the name that it had there. expire_rows drops it as any other.
create or replace function triaged.worker_of_import(p_name text)
returns bigint
language plpgsql
as $$
declare
  v_worker_id bigint;
  v_now timestamptz := triaged.now();
begin
  if length(p_name) not between 1 and 200 then
    raise exception 'expected a worker name of 1 to 200 characters, got %', length(p_name)
      using errcode = '22023';
  end if;

  select worker.worker_id into v_worker_id
  from triaged.workers as worker
  where worker.name = p_name and worker.kind = 'compat' and worker.end_reason = 'imported'
  order by worker.worker_id desc
  limit 1;

  if v_worker_id is null then
    insert into triaged.workers (
      name, kind, queues, task_types, concurrency, lease, started_at, heartbeat_at, ended_at,
      end_reason
    )
    values (
      p_name, 'compat', '{}', '{}', 1, interval '10 minutes', v_now, v_now, v_now, 'imported'
    )
    returning worker_id into v_worker_id;
  end if;

  return v_worker_id;
end;
$$;
