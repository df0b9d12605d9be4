-- Runs of verify: when, what was checked, and what was found.

-- Record a run of verify that ends now. Returns its id. For the owner: a run that is recorded is
-- believed.
create or replace function triaged.record_verify(
  began_at timestamptz,
  is_ok boolean,
  is_complete boolean,
  since timestamptz,
  checked jsonb,
  broken jsonb,
  violations jsonb
)
returns bigint
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_run_id bigint;
begin
  insert into triaged.verify_runs (
    began_at, ended_at, actor, is_ok, is_complete, since, checked, broken, violations
  )
  values (
    least(began_at, triaged.now()), triaged.now(), triaged.current_person(), is_ok, is_complete,
    since, checked, broken, violations
  )
  returning run_id into v_run_id;

  return v_run_id;
end;
$$;

-- Have `triaged jobs` verify now. Returns false where no jobs can be asked.
create or replace function triaged.request_verify()
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  if not triaged.add_maintenance_job('verify') then
    return false;
  end if;

  perform triaged.record_operation('verify');
  return true;
end;
$$;
