-- Who makes the transition that is being recorded: 'worker' where note_event said so, or
-- the setting triaged.actor, which a caller may set to say more than its role, or else
-- the role of the session.
create or replace function triaged.current_actor()
returns text
language sql
stable
as $$
  select coalesce(
    nullif(current_setting('triaged.event_by', true), ''),
    nullif(current_setting('triaged.actor', true), ''),
    session_user::text
  );
$$;
