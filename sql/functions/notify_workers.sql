-- Tell whoever hears the doorbell, at commit: a lane as JSON, '' for any, or 'cancel'.
--
-- Where transactions may be prepared, a row waits for the end of this one, whose trigger tells (see
-- tell_wake_up). One row for the same message: the setting is undone with a savepoint, as the row.
create or replace function triaged.notify_workers(p_message text)
returns void
language plpgsql
as $$
declare
  v_told text;
begin
  if not triaged.may_notify() then
    return;
  end if;

  if not triaged.may_be_prepared() then
    perform pg_notify('triaged.doorbell', p_message);
    return;
  end if;

  v_told := pg_current_xact_id()::text || ' ' || p_message;

  if current_setting('triaged.told', true) is distinct from v_told then
    insert into triaged.wake_ups (message) values (p_message);
    perform set_config('triaged.told', v_told, true);
  end if;
end;
$$;
