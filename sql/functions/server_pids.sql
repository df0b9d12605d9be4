-- The server processes that are there at this moment.
create or replace function triaged.server_pids()
returns integer[]
language sql
volatile
as $$
  -- Not pg_stat_activity, which also tells what each of them does.
  select coalesce(array_agg(pg_stat_get_backend_pid(backend)), '{}')
  from pg_stat_get_backend_idset() as backend;
$$;
