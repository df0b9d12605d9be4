-- How much waits and runs, by queue, type and status. due is what could be claimed now;
-- oldest_age is how long the task that is due longest has waited; paused_at since when
-- nothing of the queue or of the type is claimed.
create or replace view triaged.queue_depth as
select
  queue,
  task_type,
  status,
  count(*) as count,
  count(*) filter (where status = 'queued' and run_at <= triaged.now()) as due,
  triaged.now() - min(run_at) filter (where status = 'queued' and run_at <= triaged.now())
    as oldest_age,
  least(
    (select paused.paused_at from triaged.queues as paused where paused.queue = task.queue),
    (
      select paused.paused_at
      from triaged.task_types as paused
      where paused.task_type = task.task_type
    )
  ) as paused_at
from triaged.live_tasks as task
group by queue, task_type, status;
