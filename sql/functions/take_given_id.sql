-- Take an id that a producer gave for a task. Returns the task that has it: p_task_id, or the
-- one that was named so before, live or final. Raises 22023 for an id that cannot be kept, and
-- 23505 where a task that is not named so holds it as its dedupe key.
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

  -- Whoever looks for it would find the task of that number.
  if p_given_id ~ '^[1-9][0-9]{0,18}$' then
    raise exception 'the id % is that of a number, as the queue gives them', p_given_id
      using errcode = '22023', hint = 'Put a word before it, or leave it out.';
  end if;

  -- First the key: whoever was taking the same one has committed then, and is seen below.
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
