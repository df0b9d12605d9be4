-- Tasks that ended in the last 24 hours, by type and status: how many, how fast, and how they
-- ended. wait is from due to started and run from started to ended, both of the last attempt;
-- per_minute is over the last hour; share is that of the status among all tasks of the type. Each
-- end counts, also of a task that was retried since. It reads rollups, whatever the tables hold.
create or replace view triaged.task_statistics as
select
  task_type,
  status,
  count,
  avg_duration_seconds,
  last_completed,
  per_minute,
  share,
  wait_seconds_p50,
  wait_seconds_p95,
  run_seconds_p50,
  run_seconds_p95
from triaged.ended_since(triaged.now() - interval '24 hours');
