-- Take a pending effect that is due, for p_lease_ms; no row where there is nothing to take:
-- it ended, or somebody delivers it right now. One that was tried too often ends as failed.
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
