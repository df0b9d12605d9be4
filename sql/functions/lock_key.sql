-- The key of an advisory lock of this schema: the only place that names them. Everybody may
-- call it by a search path of his own, so its names have their schemas. Anybody who may connect
-- can take any of the locks, so none is waited for without a limit, and a lock that is had by
-- another session proves nothing by itself.
--   'worker', worker_id   held by a session of the worker for as long as it lives
--   'doorbell', 0         shared by the sessions of the workers that sleep
--   'migrate', 0          held by the one migrator at work
--   'partition', 0        held by whoever makes partitions, to the end of its transaction
--   'runner NAME', 0      held by a session of the process whose jobs that runner runs
--   'compat NAME', 0      held while a compat worker of that name is looked up
--   'relationships', 0    held by whoever saves a relationship, to the end of its transaction
create or replace function triaged.lock_key(p_kind text, p_id bigint)
returns bigint
language sql
immutable
as $$
  select pg_catalog.hashtextextended('triaged.' operator(pg_catalog.||) p_kind, p_id);
$$;
