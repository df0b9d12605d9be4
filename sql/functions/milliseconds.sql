-- A duration in whole milliseconds, null of null. Never below zero: run_at may lie behind the claim
-- by a clock that a test has set.
create or replace function triaged.milliseconds(p_duration interval)
returns bigint
language sql
immutable
strict
as $$
  select greatest(0, floor(extract(epoch from p_duration) * 1000))::bigint;
$$;
