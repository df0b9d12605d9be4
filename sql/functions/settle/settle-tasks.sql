-- Settle attempts: settle_tasks sorts a batch by outcome, and finish_tasks ends the tasks that
-- finished. The other outcomes are in outcomes.sql.

-- started -> what each outcome says. outcomes is an array of objects:
--   {"task_id": 1, "attempt": 2, "outcome": "finish", "result": …}   may have a detail
--   {…, "outcome": "fail", "error": "…", "detail": {"class": "other"}}    failed at once
--   {…, "outcome": "retry", "error": "…", "delay_ms": 1000}      failed, if budget is left
--                                                      queued again; no delay_ms: backoff
--   {…, "outcome": "snooze", "delay_ms": 60000}        queued again, no failure; may have
--                                                      a detail, as failures have
--   {…, "outcome": "release"}                          queued again, due at once
--   {…, "outcome": "ask", "prompt": "…", "result": …}  needs_decision
--   {…, "outcome": "cancelled", "error": "…"}          where a cancel was requested
-- A delay is at most 366 days.
--
-- Returns the attempts that were settled, with the status of their tasks. The caller no
-- longer holds those that are absent, and nothing was written about them.
create or replace function triaged.settle_tasks(outcomes jsonb)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_of record;
begin
  for v_of in
    select by_outcome.*
    from (
      select
        given.outcome,
        array_agg(given.task_id) as task_ids,
        array_agg(given.attempt) as attempts,
        array_agg(given.result) as results,
        array_agg(left(given.error, 8192)) as errors,
        -- 366 days: longer delays would end beyond the times that a client, or an interval, can
        -- hold. least() would turn null into that limit.
        array_agg(
          case when given.delay_ms > 31622400000 then 31622400000 else given.delay_ms end
        ) as delays_ms,
        array_agg(left(given.prompt, 8192)) as prompts,
        -- By task and attempt: one batch may hold two attempts of a task.
        jsonb_object_agg(given.task_id || '/' || given.attempt, given.detail)
          filter (where given.detail is not null) as details
      from jsonb_to_recordset(settle_tasks.outcomes) as given (
        task_id bigint, attempt integer, outcome text, result jsonb, error text,
        delay_ms bigint, prompt text, detail jsonb
      )
      group by given.outcome
      -- Keeps the two queries apart. Otherwise the planner would sort the outcomes instead of
      -- hashing them, to have the order below for nothing, at 1.2 us a task (of 15).
      offset 0
    ) as by_outcome
    order by by_outcome.outcome
  loop
    case v_of.outcome
      when 'finish' then
        return query select held.task_id, held.attempt, 'finished'
        from triaged.finish_tasks(
          v_of.task_ids, v_of.attempts, v_of.results, v_of.details
        ) as held;
      when 'fail', 'retry' then
        return query select held.task_id, held.attempt, held.status
        from triaged.fail_tasks(
          v_of.task_ids, v_of.attempts, v_of.errors, v_of.delays_ms,
          p_permanent => v_of.outcome = 'fail', p_details => v_of.details
        ) as held;
      when 'snooze' then
        return query select held.task_id, held.attempt, held.status
        from triaged.snooze_tasks(
          v_of.task_ids, v_of.attempts, v_of.delays_ms, v_of.details
        ) as held;
      when 'release' then
        return query select held.task_id, held.attempt, held.status
        from triaged.release_tasks(v_of.task_ids, v_of.attempts) as held;
      when 'ask' then
        return query select held.task_id, held.attempt, held.status
        from triaged.ask_tasks(v_of.task_ids, v_of.attempts, v_of.prompts, v_of.results) as held;
      when 'cancelled' then
        return query select held.task_id, held.attempt, 'cancelled'
        from triaged.cancel_held_tasks(v_of.task_ids, v_of.attempts, v_of.errors) as held;
      else
        raise exception 'unknown outcome %', coalesce(v_of.outcome, 'null')
          using
            errcode = '22023',
            hint = 'Known are finish, fail, retry, snooze, release, ask, cancelled.';
    end case;
  end loop;
end;
$$;

-- started -> finished. Returns the attempts that finished; the caller no longer holds
-- the other tasks, and nothing was written about them. p_details go to history, by
-- 'task_id/attempt'.
--
-- Moves the rows itself. An update that leaves the move to record_update writes one
-- version more of each row: 20,500 to 25,500 claimed and finished a second in place
-- of 27,200 to 28,900, on two cores.
create or replace function triaged.finish_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_results jsonb[],
  p_details jsonb default null
)
returns table (task_id bigint, attempt integer)
language plpgsql
-- The settings of every function that settles: one plan, which holds even while statistics say that
-- the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
-- A disabled scan is costed so high that JIT would compile its plan, for 80 ms a call.
set jit to off
set enable_nestloop to off
as $$
#variable_conflict use_column
declare
  -- Once: in a query its setting is read for each row.
  v_now timestamptz := triaged.now();
begin
  perform triaged.note_event('finish', 'worker', p_details);

  return query
  with held as (
    delete from triaged.live_tasks as task
    using unnest(p_task_ids, p_attempts, p_results) as given (task_id, attempt, result)
    where
      -- Says no more than the next line, but only this one bounds the index scan
      -- when statistics were taken while the table was empty.
      task.task_id = any (p_task_ids)
      and task.task_id = given.task_id
      and task.attempt_count = given.attempt
      and task.status = 'started'
    returning task.*, given.result as given_result
  )
  insert into triaged.final_tasks as task (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count,
    failure_count, max_attempts, rescue_count, worker_id, cancel_requested_at,
    progress_pct, current_step, result, error, decision_prompt, decision, dedupe_key,
    parent_task_id, root_task_id, metadata, created_at, started_at, ended_at, given_id
  )
  select
    held.task_id, task_type, queue, payload, priority, 'finished', run_at, attempt_count,
    failure_count, max_attempts, rescue_count, worker_id, cancel_requested_at,
    progress_pct, current_step, given_result, null, decision_prompt, decision, dedupe_key,
    parent_task_id, root_task_id, metadata, created_at, started_at, v_now, given_id
  from held
  returning task.task_id, task.attempt_count;
end;
$$;
