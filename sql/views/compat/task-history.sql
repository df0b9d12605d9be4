-- The history of the tasks that are kept: that of the older system went with its task as well.
create or replace view triaged_compat.task_history as
select
  history.history_id as id,
  coalesce(task.given_id, task.task_id::text) as task_id,
  case history.status
    when 'cancelled' then 'failed'
    when 'needs_decision' then 'queued'
    else history.status
  end as status,
  history.at as "timestamp",
  worker.name as worker_id,
  case
    when history.status = 'cancelled' then coalesce(history.error, 'Cancelled by user')
    else history.error
  end as error,
  history.duration_ms
from triaged.tasks as task
join triaged.task_history as history using (task_id)
left join triaged.workers as worker on worker.worker_id = history.worker_id
where
  task.given_id is not null
  or task.task_type in ('consumer_triage', 'template_triage', 'change_notification');
