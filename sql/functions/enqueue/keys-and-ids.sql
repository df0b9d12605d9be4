-- Dedupe keys, and the ids that producers give to their tasks.

-- Take a key for a task. Returns the task that holds the key now: p_task_id, or another task that
-- is live or whose window has not passed. Waits for a transaction that is taking the same key.
create or replace function triaged.take_dedupe_key(
  p_dedupe_key text,
  p_task_id bigint,
  p_until timestamptz
)
returns bigint
language plpgsql
as $$
declare
  v_holder triaged.dedupe_keys;
begin
  if length(p_dedupe_key) not between 1 and 512 then
    raise exception 'expected dedupe_key to have 1 to 512 characters, got %',
      length(p_dedupe_key)
      using errcode = '22023';
  end if;

  -- Ends at the latest once no other transaction takes the key and drops it in between.
  loop
    insert into triaged.dedupe_keys (dedupe_key, task_id, until)
    values (p_dedupe_key, p_task_id, p_until)
    on conflict do nothing;

    if found then
      return p_task_id;
    end if;

    -- Statements of their own, not one upsert: each sees what the transaction that
    -- the insert waited for has committed. An upsert would look at live_tasks as it
    -- was before, and take the key from a task that is live.
    -- Lock order: one key at a time; enqueue_tasks takes several in their order.
    select * into v_holder
    from triaged.dedupe_keys
    where dedupe_key = p_dedupe_key
    for update;

    continue when not found;

    if v_holder.until > triaged.now()
      or exists (select from triaged.live_tasks where task_id = v_holder.task_id)
    then
      return v_holder.task_id;
    end if;

    update triaged.dedupe_keys
    set task_id = p_task_id, until = p_until
    where dedupe_key = p_dedupe_key;

    return p_task_id;
  end loop;
end;
$$;

-- Take an id that a producer gave to a task. Returns the task that has the id: p_task_id, or an
-- earlier task, live or final. Raises 22023 for an id that cannot be kept, and 23505 where another
-- task holds it as a dedupe key.
create or replace function triaged.take_given_id(p_given_id text, p_task_id bigint)
returns bigint
language plpgsql
-- As in task_id_of.
set enable_seqscan to off
as $$
declare
  v_holder bigint;
  v_named bigint;
begin
  if length(p_given_id) not between 1 and 512 then
    raise exception 'expected the id of a task to have 1 to 512 characters, got %',
      length(p_given_id)
      using errcode = '22023';
  end if;

  -- A look for this id would find the task with that number.
  if p_given_id ~ '^[1-9][0-9]{0,18}$' then
    raise exception 'the id % is that of a number, as the queue gives them', p_given_id
      using errcode = '22023', hint = 'Put a word before it, or leave it out.';
  end if;

  -- The key first: a transaction that was taking the same one has committed by then, and the look
  -- below sees its task.
  v_holder := triaged.take_dedupe_key(p_given_id, p_task_id, null);

  select task.task_id into v_named
  from triaged.tasks as task
  where
    coalesce(task.given_id, task.task_id::text) = p_given_id
    and task.given_id is not null;

  if v_named is null then
    if v_holder <> p_task_id then
      raise exception 'task % holds % as its dedupe key', v_holder, to_json(p_given_id)
        using errcode = '23505', hint = 'Give another id, or wait for that task to end.';
    end if;

    return p_task_id;
  end if;

  if v_holder = p_task_id then
    update triaged.dedupe_keys set task_id = v_named where dedupe_key = p_given_id;
  end if;

  return v_named;
end;
$$;

-- The task that an id means: by its number, by the id that its producer gave, or by the dedupe key
-- that it holds; null for none. A key that no task holds any more means none.
create or replace function triaged.task_id_of(id text)
returns bigint
language plpgsql
stable
set search_path to pg_catalog, pg_temp
-- A plan made while the tables were small would keep a scan.
set enable_seqscan to off
as $$
declare
  v_task_id bigint;
begin
  if task_id_of.id ~ '^[1-9][0-9]{0,17}$' then
    select task.task_id into v_task_id
    from triaged.tasks as task
    where task.task_id = task_id_of.id::bigint;

    if found then
      return v_task_id;
    end if;
  end if;

  -- The expression of live_tasks_text_id_idx.
  select task.task_id into v_task_id
  from triaged.tasks as task
  where coalesce(task.given_id, task.task_id::text) = task_id_of.id and task.given_id is not null;

  if not found then
    select held.task_id into v_task_id
    from triaged.dedupe_keys as held
    where held.dedupe_key = task_id_of.id;
  end if;

  return v_task_id;
end;
$$;
