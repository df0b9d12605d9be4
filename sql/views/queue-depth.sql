-- How much waits and runs, by queue, type and status. due is what could be claimed now;
-- oldest_age is how long the task that is due longest has waited.
create or replace view triaged.queue_depth as
select
  queue,
  task_type,
  status,
  count(*) as count,
  count(*) filter (where status = 'queued' and run_at <= triaged.now()) as due,
  triaged.now() - min(run_at) filter (where status = 'queued' and run_at <= triaged.now())
    as oldest_age
from triaged.live_tasks
group by queue, task_type, status;
