-- Raise what is wrong with a task that somebody wants to enqueue, with a hint. The
-- constraints of live_tasks say the same, less kindly.
create or replace function triaged.check_task(
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_metadata jsonb
)
returns void
language plpgsql
stable
as $$
declare
  -- As text, as a worker gets it. In memory a number like 1e131000 has ten bytes, and 131,000
  -- written out: 40 kB of them were more than any worker can read.
  v_bytes integer := octet_length(p_payload::text);
  v_max_bytes integer := 1048576;
  -- Spares most tasks the look at who may raise the limit.
  v_is_plain boolean := coalesce(current_setting('triaged.max_payload_bytes', true), '') = '';
begin
  if p_task_type is null or length(p_task_type) not between 1 and 200 then
    raise exception 'expected task_type to have 1 to 200 characters, got %',
      coalesce(length(p_task_type)::text, 'null')
      using errcode = '22023';
  end if;

  if p_queue is null or length(p_queue) not between 1 and 200 then
    raise exception 'expected queue to have 1 to 200 characters, got %',
      coalesce(length(p_queue)::text, 'null')
      using errcode = '22023';
  end if;

  if jsonb_typeof(p_payload) is distinct from 'object' then
    raise exception 'expected payload to be a JSON object, got %',
      coalesce(jsonb_typeof(p_payload), 'null')
      using errcode = '22023', hint = 'Wrap it: {"value": …}.';
  end if;

  if v_bytes > 8192 or not v_is_plain then
    v_max_bytes := triaged.payload_limit(v_bytes);
  end if;

  if v_bytes > v_max_bytes then
    raise exception 'payload has % bytes, more than the limit of %', v_bytes, v_max_bytes
      using
        errcode = 'TR003',
        hint = 'Store it elsewhere and enqueue a reference, or raise triaged.max_payload_bytes.';
  end if;

  -- Years that a client can print: a date of JavaScript ends in the year 275760, and one
  -- task beyond it would spoil every list that holds it.
  if p_run_at not between '0001-01-01 00:00+00' and '9999-12-31 23:59:59.999999+00' then
    raise exception 'expected run_at to be a point in time in the years 1 to 9999, got %', p_run_at
      using errcode = '22023', hint = 'Write it like 2027-01-31T08:00:00Z.';
  end if;

  if p_max_attempts not between 1 and 100 then
    raise exception 'expected max_attempts to be 1 to 100, got %', p_max_attempts
      using errcode = '22023', hint = 'Leave it out for what the handler declares.';
  end if;

  if jsonb_typeof(p_metadata) is distinct from 'object' then
    raise exception 'expected metadata to be a JSON object, got %',
      coalesce(jsonb_typeof(p_metadata), 'null')
      using errcode = '22023';
  end if;

  if p_metadata <> '{}' then
    v_bytes := octet_length(p_metadata::text);
    v_max_bytes := triaged.payload_limit(v_bytes);

    if v_bytes > v_max_bytes then
      raise exception 'metadata has % bytes, more than the limit of %', v_bytes, v_max_bytes
        using errcode = 'TR003', hint = 'Metadata is for labels; the input belongs in the payload.';
    end if;
  end if;
end;
$$;
