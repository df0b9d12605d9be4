-- How many tasks ended how, by type, of all that are kept: it reads them all.
create or replace view triaged_compat.task_statistics as
select
  task.task_type,
  case task.status when 'cancelled' then 'failed' else task.status end as status,
  count(*) as count,
  avg(extract(epoch from (task.ended_at - task.started_at))) as avg_duration_seconds,
  max(task.ended_at) as last_completed
from triaged.final_tasks as task
where
  task.given_id is not null
  or task.task_type in ('consumer_triage', 'template_triage', 'change_notification')
group by 1, 2;
