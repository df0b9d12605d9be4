-- Jobs of graphile-worker that SQL adds: to deliver effects, and to run maintenance at once.

-- Add a job of graphile-worker that delivers an effect, in this transaction; at once where p_run_at
-- is null. Returns false where jobs_schema is null, where there is no room for the notification
-- that comes with a job, and where the job was refused: the sweep of `triaged jobs` finds the
-- effect then. p_jobs is that schema, for callers that have asked already.
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

  -- The key allows one job for each effect. Keys of maintenance jobs are different.
  execute format(
    'select %I.add_job($1, json_build_object(''effect_id'', $2::text), run_at => $3,'
    ' job_key => $4)',
    v_jobs
  )
  using 'deliver_effect', p_effect_id, p_run_at, 'effect:' || p_effect_key;
  return true;
exception
  -- The jobs are of another version: no reason to lose a settle.
  when others then
    return false;
end;
$$;

-- The schema of graphile-worker that belongs to this queue; null where it is not installed, or
-- where calling it would run the code of a stranger with the rights of our owner. It is ours where
-- the schema, its objects, and the right to create more in it belong to the role of this function,
-- to a superuser, or to a role that may act as this one anyway.
create or replace function triaged.jobs_schema()
returns text
language plpgsql
stable
set search_path to pg_catalog, pg_temp
as $$
declare
  v_schema text := split_part('triaged.effects', '.', 1);
  -- As jobsSchemaOf in src/jobs/graphile-adapter.ts.
  v_jobs text := case
    when v_schema = 'triaged' then 'graphile_worker' else left(v_schema, 58) || '_jobs'
  end;
begin
  if to_regprocedure(
    format('%I.add_job(text,json,text,timestamptz,integer,text,integer,text[],text)', v_jobs)
  ) is null then
    return null;
  end if;

  if exists (
    select owner
    from (
      select jobs.nspowner
      from pg_namespace as jobs
      where jobs.nspname = v_jobs
      union
      select granted.grantee
      from pg_namespace as jobs
      cross join lateral aclexplode(jobs.nspacl) as granted
      where jobs.nspname = v_jobs and granted.privilege_type = 'CREATE'
      union
      -- Found by their dependency on the schema: the catalogs have no index by schema.
      select case part.classid
        when 'pg_class'::regclass then (select relowner from pg_class where oid = part.objid)
        when 'pg_proc'::regclass then (select proowner from pg_proc where oid = part.objid)
        when 'pg_type'::regclass then (select typowner from pg_type where oid = part.objid)
      end
      from pg_namespace as jobs
      join pg_depend as part
        on part.refclassid = 'pg_namespace'::regclass and part.refobjid = jobs.oid
      where jobs.nspname = v_jobs
    ) as known (owner)
    -- 0 is everybody.
    where owner = 0 or not pg_has_role(owner, current_user, 'member')
  ) then
    return null;
  end if;

  return v_jobs;
end;
$$;

-- Have `triaged jobs` run a maintenance job now; with p_is_told at the end of a transaction.
-- Returns false where that is not to be had: then it runs when it is due by the clock.
create or replace function triaged.add_maintenance_job(
  p_name text,
  p_is_told boolean default false
)
returns boolean
language plpgsql
as $$
declare
  v_jobs text := triaged.jobs_schema();
begin
  if v_jobs is null or not triaged.may_notify() then
    return false;
  end if;

  -- Adding a job notifies: it is added as the transaction ends, unless that is prepared.
  if triaged.may_be_prepared() and not p_is_told then
    insert into triaged.wake_ups (job) values (p_name);
    return true;
  end if;

  execute format('select %I.add_job($1, ''{}'', job_key => $2)', v_jobs) using p_name, p_name;
  return true;
exception
  -- As in add_effect_job.
  when others then
    return false;
end;
$$;
