-- The table of the older system: tasks of its types, and tasks with an id of their producer. The
-- columns are those of that table, in its order. It knew four statuses: a cancelled task has
-- failed, with a text, and a task that waits for a decision is queued.
create or replace view triaged_compat.tasks as
select
  coalesce(task.given_id, task.task_id::text) as task_id,
  coalesce(task.metadata ->> 'skill_name', 'trigger_' || task.task_type) as skill_name,
  task.task_type,
  case task.status
    when 'cancelled' then 'failed'
    when 'needs_decision' then 'queued'
    else task.status
  end as status,
  task.payload ->> 'source_repo' as source_repo,
  task.payload ->> 'target_repo' as target_repo,
  task.payload -> 'change_event' as change_event,
  task.payload -> 'relationship_config' as relationship_config,
  task.created_at,
  task.started_at,
  task.ended_at,
  task.result,
  case
    when task.status = 'cancelled' then coalesce(task.error, 'Cancelled by user')
    else task.error
  end as error,
  worker.name as worker_id,
  task.attempt_count,
  task.max_attempts
from triaged.tasks as task
left join triaged.workers as worker using (worker_id)
-- As live_tasks_text_id_idx has it, which serves a look for a task_id.
where
  task.given_id is not null
  or task.task_type in ('consumer_triage', 'template_triage', 'change_notification');
