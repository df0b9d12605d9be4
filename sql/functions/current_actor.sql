-- Who makes the transition that is being recorded: whom note_event named, or the setting
-- triaged.actor, which a caller may set to say more than its login, or else that login.
create or replace function triaged.current_actor()
returns text
language plpgsql
stable
as $$
declare
  v_actor text := current_setting('triaged.event_by', true);
begin
  if v_actor <> '' then
    return v_actor;
  end if;

  v_actor := current_setting('triaged.actor', true);

  if v_actor <> '' then
    perform triaged.check_actor(v_actor);
    return v_actor;
  end if;

  return session_user;
end;
$$;
