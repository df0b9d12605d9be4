-- Trigger: record who changed a setting. A row that is put in takes the place of the one of its
-- name, as a restore of data puts them in, with what it says of itself.
create or replace function triaged.record_setting()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- A trigger of another table would delete settings.
  if tg_relid <> 'triaged.queue_settings'::regclass then
    raise exception 'record_setting() does not serve %', tg_relid::regclass
      using errcode = '42501';
  end if;

  if tg_op = 'INSERT' then
    delete from triaged.queue_settings where name = new.name;
  elsif new.value <> old.value then
    new.changed_at := triaged.now();
    new.changed_by := triaged.current_actor();
    new.changed_login := session_user;
    new.previous_value := old.value;
  end if;

  return new;
end;
$$;
