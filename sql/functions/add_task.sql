-- -> queued. What enqueue_task does, for our own functions: p_by is whom history names, '' for
-- the caller. So it is granted to nobody. With p_given_id, the id that its producer gave, the task
-- is created, or it is a duplicate of the one that has the id, also of one that has ended.
create or replace function triaged.add_task(
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_priority text,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_dedupe_key text,
  p_dedupe_mode text,
  p_dedupe_for interval,
  p_parent_task_id bigint,
  p_metadata jsonb,
  p_by text,
  p_given_id text default null,
  p_created_at timestamptz default null,
  out task_id bigint,
  out outcome text
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_run_at timestamptz := coalesce(p_run_at, v_now);
  v_priority smallint := triaged.parse_priority(p_priority);
  v_max_attempts integer := p_max_attempts;
  -- A day of it has 24 hours, whatever the caller's clocks do in it.
  v_until timestamptz := case
    when p_dedupe_for is not null
      then (v_now at time zone 'UTC' + p_dedupe_for) at time zone 'UTC'
  end;
  v_task_id bigint;
  v_holder bigint;
  v_root_task_id bigint;
begin
  perform triaged.check_task(
    p_task_type, p_payload, p_queue, v_run_at,
    v_max_attempts, p_metadata
  );

  if v_max_attempts is null then
    select known.max_attempts into v_max_attempts
    from triaged.task_types as known
    where known.task_type = p_task_type;
  end if;

  if p_parent_task_id is not null then
    v_root_task_id := triaged.root_of(p_parent_task_id);
  end if;

  v_task_id := nextval('triaged.live_tasks_task_id_seq');

  if p_given_id is not null then
    v_holder := triaged.take_given_id(p_given_id, v_task_id);

    if v_holder <> v_task_id then
      task_id := v_holder;
      outcome := 'duplicate';
      return;
    end if;
  elsif p_dedupe_key is not null then
    if coalesce(p_dedupe_mode, 'null') not in ('keep', 'replace') then
      raise exception 'expected dedupe_mode to be keep or replace, got %',
        coalesce(p_dedupe_mode, 'null')
        using errcode = '22023';
    end if;

    v_holder := triaged.take_dedupe_key(p_dedupe_key, v_task_id, v_until);

    if v_holder <> v_task_id then
      if p_dedupe_mode = 'keep' then
        task_id := v_holder;
        outcome := 'duplicate';
        return;
      end if;

      if triaged.replace_task(
        v_holder, p_task_type, p_payload, p_queue,
        v_priority, v_run_at, coalesce(v_max_attempts, 3), p_metadata
      ) then
        update triaged.dedupe_keys as held
        set until = greatest(held.until, v_until)
        where held.dedupe_key = p_dedupe_key;

        perform triaged.ring_doorbell();
        task_id := v_holder;
        outcome := 'replaced';
        return;
      end if;

      if not exists (select from triaged.live_tasks as live where live.task_id = v_holder) then
        task_id := v_holder;
        outcome := 'duplicate';
        return;
      end if;

      -- The key was promised for the window of the task before, too.
      update triaged.dedupe_keys as held
      set task_id = v_task_id, until = greatest(held.until, v_until)
      where held.dedupe_key = p_dedupe_key;
    end if;
  end if;

  perform triaged.note_event('enqueue', p_by);

  insert into triaged.live_tasks (
    task_id, task_type, payload, queue, priority, run_at, max_attempts, dedupe_key,
    parent_task_id, root_task_id, metadata, created_at, given_id
  )
  overriding system value
  values (
    v_task_id, p_task_type, p_payload, p_queue,
    v_priority, v_run_at, coalesce(v_max_attempts, 3), coalesce(p_given_id, p_dedupe_key),
    p_parent_task_id, v_root_task_id, p_metadata, coalesce(p_created_at, v_now), p_given_id
  );

  if v_run_at <= v_now then
    perform triaged.ring_lane(p_queue, p_task_type, v_priority);
  end if;

  task_id := v_task_id;
  outcome := 'created';
end;
$$;
