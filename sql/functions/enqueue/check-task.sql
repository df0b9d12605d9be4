-- What a task must be like before it is enqueued or imported.

-- Raise an error, with a hint, for a task that cannot be enqueued. The constraints of live_tasks
-- say the same, less kindly.
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
  -- Measured as text, as a worker receives it. A number like 1e131000 has ten bytes in memory, and
  -- 131,000 as text: 40 kB of such numbers were more than any worker can read.
  v_bytes integer := octet_length(p_payload::text);
  v_max_bytes integer := 1048576;
  -- Most tasks need no look at who may raise the limit.
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

  -- Years that a client can print: dates of JavaScript end in the year 275760, and a single task
  -- beyond it would break every list that holds it.
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

    -- Each transition is pushed there.
    if p_metadata ? 'webhook' then
      perform triaged.check_push_url(p_metadata ->> 'webhook', 'metadata.webhook');
    end if;
  end if;
end;
$$;

-- Whether a task is one of the many that have nothing unusual, in which check_task would find no
-- fault while triaged.max_payload_bytes is not set. It is inlined into the statement that enqueues
-- a batch: a call of check_task for each task made that 2 us dearer for each.
create or replace function triaged.is_plain_task(
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_metadata jsonb
)
returns boolean
language sql
immutable
as $$
  select
    octet_length(p_task_type) between 1 and 200
    and octet_length(p_queue) between 1 and 200
    and jsonb_typeof(p_payload) = 'object'
    -- As text, as check_task measures it.
    and octet_length(p_payload::text) <= 8192
    and p_run_at between '2000-01-01 00:00+00' and '9999-12-31 00:00+00'
    and (p_max_attempts is null or p_max_attempts between 1 and 100)
    and p_metadata = '{}';
$$;

-- The limit for a payload or metadata of so many bytes: triaged.max_payload_bytes, or 1 MiB. Any
-- session may lower the limit. Only a role that owns the queue may raise it for itself; for other
-- roles `alter database … set` or `alter role … set` counts, which takes a superuser and is in the
-- catalog.
--
-- A small payload passes by the setting of the session alone, without a look into the catalog.
create or replace function triaged.payload_limit(p_bytes integer)
returns integer
language plpgsql
stable
as $$
declare
  v_default constant integer := 1048576;
  v_small constant integer := 8192;
  v_given text := current_setting('triaged.max_payload_bytes', true);
  v_limit integer := v_default;
  v_ours integer;
begin
  if v_given <> '' then
    if v_given !~ '^[0-9]{1,9}$' then
      raise exception 'expected triaged.max_payload_bytes to be a number of bytes, got %',
        to_json(left(v_given, 80))
        using errcode = '22023', hint = 'reset triaged.max_payload_bytes';
    end if;

    v_limit := v_given::integer;
  end if;

  if p_bytes <= least(v_limit, v_small) or triaged.may_stop_clock() then
    return v_limit;
  end if;

  select split_part(setting, '=', 2)::integer into v_ours
  from pg_db_role_setting as kept
  cross join unnest(kept.setconfig) as setting
  where
    kept.setrole in (0, (select oid from pg_roles where rolname = session_user))
    and kept.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and setting ~ '^triaged.max_payload_bytes=[0-9]{1,9}$'
  -- In the order in which a session gets them: the login's first, and of these the database's.
  order by kept.setrole <> 0 desc, kept.setdatabase <> 0 desc
  limit 1;

  return least(v_limit, coalesce(v_ours, v_default));
end;
$$;

-- 0 to 3 for '0' to '3' and for the words critical, high, medium, low; 2 for null.
-- Inlined, since a call for each task of a batch is dear.
create or replace function triaged.parse_priority(p_priority text)
returns smallint
language sql
immutable
as $$
  select case coalesce(p_priority, 'medium')
    when 'medium' then 2::smallint when '2' then 2::smallint
    when '0' then 0::smallint when 'critical' then 0::smallint
    when '1' then 1::smallint when 'high' then 1::smallint
    when '3' then 3::smallint when 'low' then 3::smallint
    else triaged.refuse_priority(p_priority)
  end;
$$;

-- Raise the error of parse_priority.
create or replace function triaged.refuse_priority(p_priority text)
returns smallint
language plpgsql
immutable
as $$
begin
  raise exception 'expected priority to be 0 to 3 or critical, high, medium, low, got %',
    p_priority
    using errcode = '22023', hint = 'The lower the number, the earlier; leave it out for medium.';
end;
$$;

-- The oldest ancestor of a task that is about to get a child. Raises TR001 for a parent
-- that does not exist: lineage that leads nowhere helps nobody.
create or replace function triaged.root_of(p_parent_task_id bigint)
returns bigint
language plpgsql
stable
as $$
declare
  v_root_task_id bigint;
begin
  select coalesce(parent.root_task_id, parent.task_id) into v_root_task_id
  from triaged.tasks as parent
  where parent.task_id = p_parent_task_id;

  if not found then
    perform triaged.raise_unknown_task(p_parent_task_id);
  end if;

  return v_root_task_id;
end;
$$;
