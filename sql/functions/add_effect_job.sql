-- Have graphile-worker deliver an effect, in this transaction; p_run_at null: at once. False where
-- jobs_schema knows none, where there is no room for the notification that comes with a job, and
-- where the job was refused: then the sweep of `triaged jobs` comes across the effect. p_jobs is
-- that schema, for callers that have asked already.
drop function if exists triaged.add_effect_job(bigint, text, timestamptz);

create or replace function triaged.add_effect_job(
  p_effect_id bigint,
  p_effect_key text,
  p_run_at timestamptz,
  p_jobs text default null
)
returns boolean
language plpgsql
as $$
declare
  v_jobs text := coalesce(p_jobs, triaged.jobs_schema());
begin
  if v_jobs is null or not triaged.may_notify() then
    return false;
  end if;

  -- The key keeps one job an effect. It is apart from those of the clockwork.
  execute format(
    'select %I.add_job($1, json_build_object(''effect_id'', $2::text), run_at => $3,'
    ' job_key => $4)',
    v_jobs
  )
  using 'deliver_effect', p_effect_id, p_run_at, 'effect:' || p_effect_key;
  return true;
exception
  -- They are of another version: no reason to lose a settle.
  when others then
    return false;
end;
$$;
