-- Tasks that wait for a person: decisions, failed tasks, attempts that run for over an hour.
create or replace view triaged.attention as
select
  task_id,
  task_type,
  queue,
  status,
  case status when 'started' then 'stuck' else status end as reason,
  coalesce(decision_prompt, error, current_step) as detail,
  coalesce(started_at, created_at) as since
from triaged.live_tasks
where
  status = 'needs_decision'
  or (status = 'started' and started_at < triaged.now() - interval '1 hour')
union all
select task_id, task_type, queue, status, status, error, ended_at
from triaged.final_tasks
where status = 'failed';
