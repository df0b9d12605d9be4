-- The one clock.

-- The one clock: transaction time, or triaged.fake_now where a test set it as the owner
-- of the queue; nobody else may say what time it is in the audit. Always called by its
-- full name, because a bare now() is PostgreSQL's.
--
-- It is inlined, so it cannot fix the search path; a view calls it by that of whoever asks. So
-- every name has its schema.
create or replace function triaged.now()
returns timestamptz
language sql
stable
as $$
  select case
    when coalesce(pg_catalog.current_setting('triaged.fake_now', true), '')
      operator(pg_catalog.=) '' then pg_catalog.now()
    -- A function, since with a query of its own this one would not be inlined.
    when triaged.may_stop_clock()
      then pg_catalog.current_setting('triaged.fake_now')::pg_catalog.timestamptz
    else pg_catalog.now()
  end;
$$;

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

-- How far in the future a time written by the clock of the server may lie before it counts as
-- written by a clock that has gone back since. More than transactions overlap, and more than a time
-- service corrects at once.
create or replace function triaged.clock_margin()
returns interval
language sql
immutable
as $$
  select interval '10 seconds';
$$;
