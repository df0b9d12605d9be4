-- Have an effect that failed or was skipped delivered after all, with a budget of attempts of
-- its own. False where there is none such.
create or replace function triaged.retry_effect(p_effect_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_key text;
begin
  update triaged.effects as effect
  set
    status = 'pending',
    attempts_max = effect.attempts + 20,
    due_at = triaged.now()
  where effect.effect_id = p_effect_id and effect.status in ('failed', 'skipped')
  returning effect.effect_key
  into v_key;

  if v_key is null then
    return false;
  end if;

  -- Adding a job notifies.
  if triaged.may_be_prepared() then
    insert into triaged.wake_ups (effect_id) values (p_effect_id);
  else
    perform triaged.add_effect_job(p_effect_id, v_key, p_run_at => null);
  end if;

  return true;
end;
$$;
