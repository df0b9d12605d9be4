-- Trigger, deferred: do what a row of wake_ups is for, at commit. Nothing where the transaction is
-- prepared instead, since a notify would have that refused: then the poll of the workers, or the
-- sweep of the effects, is the net.
--
-- The statement tells which it is. Where a function of somebody has the deferred triggers fire
-- early, there is a context around this one; where `set constraints` has, the statement says so.
-- What only looks like that costs a wake-up, and no more.
create or replace function triaged.tell_wake_up()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_context text;
  v_key text;
begin
  -- As in record_insert.
  if tg_relid <> 'triaged.wake_ups'::regclass then
    raise exception 'tell_wake_up() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  delete from triaged.wake_ups where wake_up_id = new.wake_up_id;

  get diagnostics v_context = pg_context;

  if
    strpos(v_context, chr(10)) > 0
    or coalesce(current_query(), '')
      ~* '(prepare[^a-z0-9_].*transaction|set[^a-z0-9_].*constraints)'
    or not triaged.may_notify()
  then
    return null;
  end if;

  if new.message is not null then
    perform pg_notify('triaged.doorbell', new.message);
    return null;
  end if;

  select effect_key into v_key
  from triaged.effects
  where effect_id = new.effect_id and status = 'pending';

  if found then
    perform triaged.add_effect_job(new.effect_id, v_key, p_run_at => null);
  end if;

  return null;
end;
$$;
