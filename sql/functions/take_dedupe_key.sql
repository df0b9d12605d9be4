-- Take a key for a task. Returns the task that holds it now: p_task_id, or another one
-- that is live or whose window has not passed. Waits for a transaction that is taking
-- the same key.
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

  -- Ends at the latest when nobody else takes the key and drops it in between.
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
