-- Whether the session's role owns the queue, or is a member of the role that does. Every name
-- with its schema, as in now(): a session may have a pg_class of its own.
create or replace function triaged.may_stop_clock()
returns boolean
language sql
stable
as $$
  select pg_catalog.pg_has_role(session_user, queue.relowner, 'member')
  from pg_catalog.pg_class as queue
  where queue.oid operator(pg_catalog.=) 'triaged.live_tasks'::pg_catalog.regclass;
$$;
