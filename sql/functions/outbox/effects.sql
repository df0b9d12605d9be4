-- The life of an effect after its task was settled.

-- Take a pending effect that is due, for p_lease_ms. Returns no row where there is nothing to take:
-- the effect ended, or another process delivers it now. An effect that was tried too often ends as
-- failed.
create or replace function triaged.claim_effect(p_effect_id bigint, p_lease_ms bigint)
returns setof triaged.effects
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := triaged.now();
begin
  update triaged.effects as effect
  set
    status = 'failed',
    last_error = coalesce(effect.last_error, 'each process that tried to deliver it died')
  where
    effect.effect_id = p_effect_id
    and effect.status = 'pending'
    and effect.due_at <= v_now
    and effect.attempts >= effect.attempts_max;

  return query
  update triaged.effects as effect
  set
    attempts = effect.attempts + 1,
    due_at = v_now + make_interval(secs => p_lease_ms / 1000.0)
  where
    effect.effect_id = p_effect_id
    and effect.status = 'pending'
    and effect.kind <> 'digest'
    and effect.due_at <= v_now
  returning effect.*;
end;
$$;

-- Record how the attempt at an effect ended: delivered, failed, skipped, or pending, to try it
-- again after p_delay_ms while attempts are left. Returns the status it has now; null, with nothing
-- written, where the attempt no longer holds the effect.
create or replace function triaged.settle_effect(
  p_effect_id bigint,
  p_attempt integer,
  p_status text,
  p_external_ref text default null,
  p_error text default null,
  p_delay_ms bigint default 0
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := triaged.now();
  v_effect record;
begin
  update triaged.effects as effect
  set
    status = case
      when p_status = 'pending' and effect.attempts >= effect.attempts_max then 'failed'
      else p_status
    end,
    external_ref = coalesce(left(p_external_ref, 2000), effect.external_ref),
    last_error = left(p_error, 2000),
    due_at = v_now + make_interval(secs => p_delay_ms / 1000.0),
    delivered_at = case when p_status = 'delivered' then v_now end
  where
    effect.effect_id = p_effect_id
    and effect.attempts = p_attempt
    and effect.status = 'pending'
  returning effect.effect_id, effect.effect_key, effect.status, effect.due_at
  into v_effect;

  if v_effect.status = 'pending' then
    perform triaged.add_effect_job(v_effect.effect_id, v_effect.effect_key, v_effect.due_at);
  end if;
  return v_effect.status;
end;
$$;

-- Deliver an effect that failed or was skipped after all, with a budget of attempts of its own.
-- Returns false where there is no such effect.
create or replace function triaged.retry_effect(p_effect_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_task_id bigint;
begin
  update triaged.effects as effect
  set
    status = 'pending',
    attempts_max = effect.attempts + 20,
    due_at = triaged.now()
  where effect.effect_id = p_effect_id and effect.status in ('failed', 'skipped')
  returning effect.effect_key, effect.task_id
  into v_key, v_task_id;

  if v_key is null then
    return false;
  end if;

  perform triaged.record_operation(
    'retry_effect', v_task_id, jsonb_build_object('effect_id', p_effect_id)
  );

  -- Adding a job notifies.
  if triaged.may_be_prepared() then
    insert into triaged.wake_ups (effect_id) values (p_effect_id);
  else
    perform triaged.add_effect_job(p_effect_id, v_key, p_run_at => null);
  end if;

  return true;
end;
$$;

-- Retention of the outbox: delete effects that ended and are older than the given days, or than
-- history is kept; 0 keeps them for ever. Deletes at most max_rows, and returns how many. Until
-- then a row keeps the same effect from being made again.
create or replace function triaged.expire_effects(
  max_rows integer default 10000,
  effect_days integer default null
)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A day has 24 hours.
set timezone to 'UTC'
as $$
declare
  v_days integer := coalesce(effect_days, triaged.retention_days('task_history'));
  v_deleted integer;
begin
  delete from triaged.effects
  where effect_id = any (array(
    select old.effect_id
    from triaged.effects as old
    where
      v_days > 0
      and old.status <> 'pending'
      and old.created_at < triaged.now() - make_interval(days => v_days)
    order by old.created_at
    limit max_rows
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;
