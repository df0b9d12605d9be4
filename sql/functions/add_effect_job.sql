-- Have graphile-worker deliver an effect, in this transaction; p_run_at null: at once. False
-- where it is not installed or must not be used: then, and where it had no room for the job,
-- the sweep of `triaged jobs` comes across the effect.
create or replace function triaged.add_effect_job(
  p_effect_id bigint,
  p_effect_key text,
  p_run_at timestamptz
)
returns boolean
language plpgsql
as $$
declare
  v_schema text := split_part('triaged.effects', '.', 1);
  -- As jobsSchemaOf in src/jobs/jobs-schema.ts.
  v_jobs text := case
    when v_schema = 'triaged' then 'graphile_worker' else left(v_schema, 58) || '_jobs'
  end;
begin
  if to_regprocedure(
    format('%I.add_job(text,json,text,timestamptz,integer,text,integer,text[],text)', v_jobs)
  ) is null then
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
  -- The jobs belong to another role, or are of another version: no reason to lose a settle.
  when others then
    return false;
end;
$$;
