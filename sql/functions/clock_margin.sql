-- How far in the future a time may lie that the server's clock has written, before it counts as
-- written by a clock that has gone back since. More than transactions overlap, and more than a
-- time service corrects at a time.
create or replace function triaged.clock_margin()
returns interval
language sql
immutable
as $$
  select interval '10 seconds';
$$;
