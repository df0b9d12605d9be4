-- What ended in the last 24 hours, by type and status: how much, how fast, how it went.
-- wait is from due to started and run from started to ended, both of the last attempt;
-- per_minute is over the last hour; share is that of the status among all of the type.
-- The window keeps the cost that of one or two partitions.
create or replace view triaged.task_statistics as
with ended as (
  select
    task_type,
    status,
    ended_at,
    extract(epoch from ended_at - started_at)::double precision as run_seconds,
    greatest(0, extract(epoch from started_at - run_at))::double precision as wait_seconds
  from triaged.final_tasks
  where ended_at > triaged.now() - interval '24 hours'
)
select
  task_type,
  status,
  count(*) as count,
  avg(run_seconds) as avg_duration_seconds,
  max(ended_at) as last_completed,
  count(*) filter (where ended_at > triaged.now() - interval '1 hour') / 60.0 as per_minute,
  count(*)::double precision / sum(count(*)) over (partition by task_type) as share,
  percentile_cont(0.5) within group (order by wait_seconds) as wait_seconds_p50,
  percentile_cont(0.95) within group (order by wait_seconds) as wait_seconds_p95,
  percentile_cont(0.5) within group (order by run_seconds) as run_seconds_p50,
  percentile_cont(0.95) within group (order by run_seconds) as run_seconds_p95
from ended
group by task_type, status;
