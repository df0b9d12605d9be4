-- Who makes the transition that is being recorded: the setting triaged.actor, which
-- the functions of a worker set to 'worker' and a caller may set to say more than its
-- role, or else the role of the session.
create or replace function triaged.current_actor()
returns text
language sql
stable
as $$
  select coalesce(nullif(current_setting('triaged.actor', true), ''), session_user::text);
$$;
