-- History: what the next statement will be (note_event), and the triggers that write a row of
-- task_history for each task that a statement moved. Every transition of every function ends here.

-- Announce the event of the next statement on the tables of tasks, and whether a worker causes it.
-- The trigger that records that statement clears the announcement, even where the statement found
-- no row. So every such statement is announced anew, and one without an announcement is 'manual'.
-- p_details holds what history records beside the error, by 'task_id/attempt'.
--
-- A setting in the header of each function would last exactly as long as the function. But only a
-- superuser may create such a function, and managed servers have none to give.
create or replace function triaged.note_event(
  p_event text,
  p_by text default '',
  p_details jsonb default null
)
returns void
language plpgsql
as $$
declare
  -- Assigned, not performed: an expression is spared the start of a query.
  v_set text;
begin
  v_set := set_config('triaged.event', p_event, true);
  v_set := set_config('triaged.event_by', p_by, true);
  v_set := set_config('triaged.event_details', coalesce(p_details::text, ''), true);
end;
$$;

-- Trigger: write the history of tasks that were inserted into live_tasks or final_tasks. What was
-- inserted by hand as started is noted in claims.
create or replace function triaged.record_insert()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := triaged.now();
  v_event text := triaged.current_event();
  v_actor text := triaged.current_actor();
  -- Once: in a query it is looked up for each row.
  v_login text := session_user;
  v_details jsonb := nullif(current_setting('triaged.event_details', true), '')::jsonb;
begin
  -- A trigger on another table could write anything into history.
  if tg_relid not in ('triaged.live_tasks'::regclass, 'triaged.final_tasks'::regclass) then
    raise exception 'record_insert() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  -- The dump holds their history too.
  if v_event = 'manual' and triaged.is_restoring() then
    return null;
  end if;

  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, login, error,
    duration_ms, detail
  )
  select
    task_id, task_type, v_now, v_event, status, attempt_count, worker_id, v_actor,
    v_login,
    -- A retried task keeps the error that it ended with, which history recorded at that end.
    case when v_event <> 'retry' then error end,
    triaged.milliseconds(ended_at - started_at),
    case when v_details is not null then v_details -> (task_id || '/' || attempt_count) end
  from arrived;

  if v_event = 'manual' then
    insert into triaged.claims (worker_id, claimed_at, task_ids)
    select worker_id, v_now, array_agg(task_id)
    from arrived
    where status = 'started'
    group by worker_id;
  end if;

  perform triaged.note_event('');

  return null;
end;
$$;

-- Trigger: write the history of tasks that changed status and stay in live_tasks, and move tasks
-- that ended to final_tasks, where record_insert writes their history. A cancel request, a
-- replaced payload, another priority or time are recorded too, though the status stays.
create or replace function triaged.record_update()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A session keeps the plan of its first call. Planned for one row it is a nested loop, and a later
-- batch of n rows costs n * n; planned while the table is small it is a scan.
set enable_nestloop to off
set enable_seqscan to off
-- A disabled scan is costed so high that JIT would compile its plan, for 80 ms a call.
set jit to off
as $$
declare
  v_now timestamptz := triaged.now();
  v_event text := triaged.current_event();
  v_actor text := triaged.current_actor();
  -- Once: in a query it is looked up for each row.
  v_login text := session_user;
  v_details jsonb := nullif(current_setting('triaged.event_details', true), '')::jsonb;
begin
  -- As in record_insert.
  if tg_relid <> 'triaged.live_tasks'::regclass then
    raise exception 'record_update() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  -- Every row of a claim changed, and the new rows hold all that history records. Without the join
  -- a claim costs 1.2 us less for each task (of 18).
  if v_event = 'claim' then
    insert into triaged.task_history (
      task_id, task_type, at, event, status, attempt_count, worker_id, actor, login,
      wait_ms
    )
    select
      task_id, task_type, v_now, v_event, status, attempt_count, worker_id, v_actor,
      v_login, triaged.milliseconds(v_now - run_at)
    from after;

    perform triaged.note_event('');
    return null;
  end if;

  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, login, error,
    wait_ms, duration_ms, detail
  )
  select
    task_id, after.task_type, v_now, v_event, after.status, after.attempt_count,
    coalesce(after.worker_id, before.worker_id), v_actor, v_login,
    -- Otherwise the error of an earlier attempt, which stays on the row, would be recorded again. A
    -- cancel that leaves its task here is a request, and has no error.
    case when v_event in ('fail', 'rescue', 'manual') then after.error end,
    case
      when before.status = 'queued' and after.status = 'started'
        then triaged.milliseconds(v_now - before.run_at)
    end,
    case
      when before.status = 'started' and after.status <> 'started'
        then triaged.milliseconds(v_now - before.started_at)
    end,
    case when v_details is not null then v_details -> (task_id || '/' || after.attempt_count) end
  from before
  join after using (task_id)
  where
    after.ended_at is null
    and (
      before.status <> after.status
      or before.cancel_requested_at is distinct from after.cancel_requested_at
      or v_event in ('replace', 'change')
    );

  -- attention finds it by its prompt. A function that asks has one.
  if
    v_event = 'manual'
    and exists (select from after where status = 'needs_decision' and decision_prompt is null)
  then
    perform triaged.note_event('');
    update triaged.live_tasks
    set decision_prompt = 'set by hand'
    where
      task_id = any (array(
        select task_id from after where status = 'needs_decision' and decision_prompt is null
      ));
  end if;

  if exists (select from after where ended_at is not null) then
    insert into triaged.final_tasks select * from after where ended_at is not null;

    delete from triaged.live_tasks
    where task_id = any (array(select task_id from after where ended_at is not null));
  end if;

  perform triaged.note_event('');

  return null;
end;
$$;

-- The event that is being recorded: the one that note_event announced, or 'manual'. Every name has
-- its schema, because the function is inlined into triggers and read by the search path of a
-- session.
create or replace function triaged.current_event()
returns text
language sql
stable
as $$
  select case
    when coalesce(pg_catalog.current_setting('triaged.event', true), '')
      operator(pg_catalog.=) '' then 'manual'
    else pg_catalog.current_setting('triaged.event', true)
  end;
$$;

-- Who makes the transition that is being recorded: the actor that note_event named, or the setting
-- triaged.actor, by which a caller may say more than its login, or else that login.
create or replace function triaged.current_actor()
returns text
language plpgsql
stable
as $$
declare
  v_actor text := current_setting('triaged.event_by', true);
begin
  if v_actor <> '' then
    return v_actor;
  end if;

  v_actor := current_setting('triaged.actor', true);

  if v_actor <> '' then
    perform triaged.check_actor(v_actor);
    return v_actor;
  end if;

  return session_user;
end;
$$;

-- Raise an error for a name in triaged.actor that is not allowed. The names that history uses for
-- the queue itself are reserved, however they are spelled, even with invisible characters between
-- their letters.
create or replace function triaged.check_actor(p_actor text)
returns void
language plpgsql
stable
as $$
declare
  v_reserved constant text[] := '{worker, schedule, jobs, triaged}';
  v_word text;
begin
  if length(p_actor) > 200 or p_actor ~ '[[:cntrl:]]' then
    raise exception 'expected triaged.actor to have at most 200 characters, and none of control'
      using errcode = '22023';
  end if;

  -- Lowercase by rules that hold in every locale: Turkish has another small letter for I.
  v_word := lower(substring(
    regexp_replace(p_actor, '[^[:alnum:][:space:]]', '', 'g') from '[^[:space:]]+'
  ) collate pg_catalog."C");

  if v_word = any (v_reserved) then
    raise exception 'triaged.actor begins with %, a name that history keeps for the queue itself',
      v_word
      using
        errcode = '22023',
        hint = 'Reserved as a first word are ' || array_to_string(v_reserved, ', ') || '.';
  end if;
end;
$$;

-- A duration in whole milliseconds; null for null. Never below zero: run_at may be later than the
-- claim where a test has set the clock.
--
-- By whole microseconds from a double, which tells those of 136 years apart: numeric, the type of
-- extract, costs some 1 us more for each row.
--
-- Not strict, because greatest is not: the planner inlines a strict function only where all of its
-- body is strict. A call for each row of history made a claim and a settle 2 us dearer for each
-- task (of 20 and 17).
create or replace function triaged.milliseconds(p_duration interval)
returns bigint
language sql
immutable
as $$
  select case
    when p_duration is not null
      then greatest(
        0,
        pg_catalog.round(
          pg_catalog.date_part('epoch', p_duration) operator(pg_catalog.*) 1000000
        )::pg_catalog.int8 operator(pg_catalog./) 1000
      )
  end;
$$;
