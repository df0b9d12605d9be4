-- How many tasks wait and run, by queue, type and status. due counts tasks that could be claimed
-- now; oldest_age is how long the longest-due task has waited; paused_at is since when the queue or
-- the type is paused.
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
