-- The worker_id of a worker that is known by its name only, with its lease renewed. A name
-- that is not alive becomes a new incarnation.
create or replace function triaged.touch_compat_worker(p_name text)
returns bigint
language plpgsql
as $$
declare
  v_worker_id bigint;
begin
  if p_name is null or p_name = '' then
    raise exception 'expected a worker name, got none' using errcode = '22023';
  end if;

  if length(p_name) > 200 then
    raise exception 'expected a worker name of at most 200 characters, got %', length(p_name)
      using errcode = '22023';
  end if;

  update triaged.workers
  set heartbeat_at = triaged.now()
  where name = p_name and kind = 'compat' and ended_at is null
  returning worker_id into v_worker_id;

  if v_worker_id is not null then
    return v_worker_id;
  end if;

  -- One incarnation for a name, also when two calls come at once: the second one finds what the
  -- first has made. The lock comes after the first look, so that who keeps it holds up none
  -- that is known.
  perform triaged.take_lock('compat ' || p_name);

  update triaged.workers
  set heartbeat_at = triaged.now()
  where name = p_name and kind = 'compat' and ended_at is null
  returning worker_id into v_worker_id;

  if v_worker_id is null then
    insert into triaged.workers (
      name, kind, queues, task_types, concurrency, lease, started_at, heartbeat_at
    )
    values (
      p_name, 'compat', '{default}', '{consumer_triage,template_triage}', 1,
      interval '10 minutes', triaged.now(), triaged.now()
    )
    returning worker_id into v_worker_id;
  end if;

  return v_worker_id;
end;
$$;
