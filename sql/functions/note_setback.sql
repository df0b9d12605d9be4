-- Remember that the clock of the server has gone back: p_written was its time before.
create or replace function triaged.note_setback(p_written timestamptz)
returns void
language plpgsql
as $$
begin
  if p_written > triaged.now() + triaged.clock_margin() then
    insert into triaged.clock_setbacks as known (ahead_until, seen_at)
    values (p_written, triaged.now())
    on conflict on constraint clock_setbacks_pkey
    do update set
      ahead_until = excluded.ahead_until, seen_at = excluded.seen_at, mended_at = null
    -- Of one setback the newest time counts; one whose time has come is over.
    where
      known.ahead_until < excluded.ahead_until
      or known.ahead_until <= triaged.now() + triaged.clock_margin();
  end if;
end;
$$;
