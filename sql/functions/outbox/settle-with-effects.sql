-- settle_tasks for a batch with effects, which are to happen outside of the database. effects is
-- an array of objects:
--   {"task_id": 1, "attempt": 2, "kind": "webhook", "key": "…", "payload": {…}, "traceparent": "…"}
-- Effects of attempts that were settled here, and finished or asked, are written with them; other
-- effects are dropped. An effect whose key exists already stays as it is.
--
-- A function of its own, so that a batch without effects does not pay for a look.
create or replace function triaged.settle_tasks_with_effects(outcomes jsonb, effects jsonb)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_jobs constant text := triaged.jobs_schema();
  v_settled record;
  v_made record;
begin
  select
    array_agg(settled.task_id) as task_ids,
    array_agg(settled.attempt) as attempts,
    array_agg(settled.status) as statuses
  into v_settled
  from triaged.settle_tasks(settle_tasks_with_effects.outcomes) as settled;

  for v_made in
    insert into triaged.effects as made (
      task_id, kind, effect_key, payload, due_at, created_at, traceparent
    )
    select
      given.task_id, given.kind, given.key, given.payload, v_now, v_now, given.traceparent
    from jsonb_to_recordset(settle_tasks_with_effects.effects) as given (
      task_id bigint, attempt integer, kind text, key text, payload jsonb, traceparent text
    )
    join unnest(v_settled.task_ids, v_settled.attempts, v_settled.statuses)
      as settled (task_id, attempt, status)
      on given.task_id = settled.task_id and given.attempt = settled.attempt
    where settled.status in ('finished', 'needs_decision')
    -- Lock order: two settles that want the same effects wait for each other by key.
    order by given.key
    on conflict (effect_key) do nothing
    returning made.effect_id, made.effect_key, made.kind
  loop
    if v_made.kind <> 'digest' then
      perform triaged.add_effect_job(
        v_made.effect_id, v_made.effect_key, p_run_at => null, p_jobs => v_jobs
      );
    end if;
  end loop;

  return query
  select settled.task_id, settled.attempt, settled.status
  from unnest(v_settled.task_ids, v_settled.attempts, v_settled.statuses)
    as settled (task_id, attempt, status);
end;
$$;
