-- A duration in whole milliseconds, null of null. Never below zero: run_at may lie behind the claim
-- by a clock that a test has set.
--
-- Not strict, because greatest is not: the planner puts a strict function in the place of
-- its call only where all of its body is strict. A call for each row of history made a
-- claim and a settle 2 us dearer for each task (of 20 and 17).
create or replace function triaged.milliseconds(p_duration interval)
returns bigint
language sql
immutable
as $$
  select case
    when p_duration is not null
      then greatest(
        0, pg_catalog.floor(extract(epoch from p_duration) operator(pg_catalog.*) 1000)
      )::pg_catalog.int8
  end;
$$;
