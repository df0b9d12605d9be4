-- Whether the session's role owns the queue, or is a member of the role that does.
create or replace function triaged.may_stop_clock()
returns boolean
language sql
stable
as $$
  select pg_has_role(session_user, relowner, 'member')
  from pg_class
  where oid = 'triaged.live_tasks'::regclass;
$$;
