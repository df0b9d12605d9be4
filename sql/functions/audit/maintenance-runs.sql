-- What graphile-worker has recorded of the maintenance jobs, for whoever may look: its tables are
-- the owner's. Null where they are not there, or not ours alone. An object of two lists, each of at
-- most 1,000:
--   known    jobs that some process has scheduled: name, known_since, last_run_at
--   failing  jobs that failed and wait for another try, or have none left: name, attempts, error
create or replace function triaged.maintenance_runs()
returns jsonb
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_jobs text := triaged.jobs_schema();
  v_runs jsonb;
begin
  if v_jobs is null then
    return null;
  end if;

  execute format(
    'select jsonb_build_object('
    '''known'', (select coalesce(jsonb_agg(known order by name), ''[]'') from ('
    ' select identifier as name, known_since, last_execution as last_run_at'
    ' from %1$I._private_known_crontabs limit 1000) as known),'
    '''failing'', (select coalesce(jsonb_agg(failing order by name), ''[]'') from ('
    ' select task_identifier as name, attempts, left(last_error, 200) as error'
    ' from %1$I.jobs where last_error is not null limit 1000) as failing))',
    v_jobs
  )
  into v_runs;
  return v_runs;
exception
  -- The jobs are of another version.
  when undefined_table or undefined_column or insufficient_privilege then
    return null;
end;
$$;
