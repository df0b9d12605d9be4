-- How long to wait after a failure, where the worker does not say: uniform between zero
-- and one second doubled by each failure before, at most five minutes. The same figures
-- as src/model/backoff.ts.
create or replace function triaged.backoff(p_failures integer)
returns interval
language sql
volatile
as $$
  select make_interval(secs => random() * least(300, 2 ^ least(p_failures - 1, 20)));
$$;
