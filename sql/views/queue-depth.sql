-- How many tasks wait and run, by queue, type and status. due counts tasks that could be claimed
-- now; oldest_age is how long the longest-due task has waited; paused_at is since when the queue or
-- the type is paused. counted_at tells how old the counts are: a moment where `triaged jobs` counts
-- for all who ask, which it does while more than 20,000 tasks are live.
create or replace view triaged.queue_depth as
select
  known.queue,
  known.task_type,
  known.status,
  known.count,
  known.due,
  triaged.now() - known.oldest_run_at as oldest_age,
  least(
    (select paused.paused_at from triaged.queues as paused where paused.queue = known.queue),
    (
      select paused.paused_at
      from triaged.task_types as paused
      where paused.task_type = known.task_type
    )
  ) as paused_at,
  known.counted_at
from triaged.known_depth() as known;
