-- Raise what is wrong with a task that somebody wants to import: what the constraints of
-- live_tasks would refuse once it is retried, and times that cannot be.
create or replace function triaged.check_import(p_row triaged.live_tasks)
returns void
language plpgsql
stable
as $$
declare
  v_now timestamptz := triaged.now();
  v_large record;
  v_time record;
begin
  if p_row.status not in ('finished', 'failed', 'cancelled') then
    raise exception 'a task that is % cannot be imported', p_row.status
      using
        errcode = '22023',
        hint = 'What has ended is imported; what waits is enqueued, as queued.';
  end if;

  for v_time in
    select * from (
      -- The end first: the others are made of it where they are not stated.
      values ('ended_at', p_row.ended_at), ('started_at', p_row.started_at),
        ('created_at', p_row.created_at), ('cancel_requested_at', p_row.cancel_requested_at)
    ) as stated (name, at)
  loop
    if not v_time.at between '0001-01-01 00:00+00' and v_now then
      raise exception 'expected % of a task that has ended to be in the past, got %',
        v_time.name, v_time.at
        using errcode = '22023', hint = 'Write it like 2027-01-31T08:00:00Z.';
    end if;
  end loop;

  perform triaged.check_task(
    p_row.task_type, p_row.payload, p_row.queue, p_row.run_at, p_row.max_attempts, p_row.metadata
  );

  if greatest(p_row.created_at, p_row.started_at) > p_row.ended_at then
    raise exception 'a task cannot end, at %, before it began, at %', p_row.ended_at,
      greatest(p_row.created_at, p_row.started_at)
      using errcode = '22023';
  end if;

  if
    p_row.attempt_count < 0
    or p_row.failure_count not between 0 and least(p_row.attempt_count, p_row.max_attempts)
    or p_row.rescue_count not between 0 and p_row.attempt_count
  then
    raise exception 'the counters of the task do not fit: % attempts, % failures of %, % rescues',
      p_row.attempt_count, p_row.failure_count, p_row.max_attempts, p_row.rescue_count
      using errcode = '22023', hint = 'docs/task-status.md says what each counts.';
  end if;

  if p_row.progress_pct not between 0 and 100 then
    raise exception 'expected progress_pct to be 0 to 100, got %', p_row.progress_pct
      using errcode = '22023';
  end if;

  if length(p_row.dedupe_key) not between 1 and 512 then
    raise exception 'expected dedupe_key to have 1 to 512 characters, got %',
      length(p_row.dedupe_key)
      using errcode = '22023';
  end if;

  if p_row.root_task_id is not null then
    raise exception 'root_task_id follows from parent_task_id: it cannot be given'
      using errcode = '22023', hint = 'Leave it out.';
  end if;

  select * into v_large
  from (
    values ('result', octet_length(p_row.result::text)), ('error', octet_length(p_row.error)),
      ('decision', octet_length(p_row.decision::text)),
      ('decision_prompt', octet_length(p_row.decision_prompt)),
      ('current_step', octet_length(p_row.current_step))
  ) as stated (name, bytes)
  where stated.bytes > triaged.payload_limit(stated.bytes)
  limit 1;

  if found then
    raise exception '% has % bytes, more than the limit of %', v_large.name, v_large.bytes,
      triaged.payload_limit(v_large.bytes)
      using errcode = 'TR003', hint = 'Store it elsewhere, or raise triaged.max_payload_bytes.';
  end if;
end;
$$;
