-- Tasks that failed for good. retry_task(task_id) queues one again.
create or replace view triaged.dead_letters as
select
  task_id, task_type, queue, priority, payload, error, attempt_count, failure_count,
  max_attempts, rescue_count, metadata, created_at, started_at, ended_at
from triaged.final_tasks
where status = 'failed';
