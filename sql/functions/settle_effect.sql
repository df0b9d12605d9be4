-- Record how the attempt at an effect ended: delivered, failed, skipped, or pending to have it
-- tried again after p_delay_ms, as long as attempts are left. Returns the status it has now;
-- null where the attempt no longer holds the effect, and nothing was written.
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
