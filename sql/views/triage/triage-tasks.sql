-- Triage tasks under the names of the older system's columns.
create or replace view triaged.triage_tasks as
select
  task.task_id,
  coalesce(task.metadata ->> 'skill_name', 'trigger_' || task.task_type) as skill_name,
  task.task_type,
  task.payload ->> 'source_repo' as source_repo,
  task.payload ->> 'target_repo' as target_repo,
  task.payload -> 'change_event' as change_event,
  task.payload -> 'relationship_config' as relationship_config,
  task.queue,
  task.priority,
  task.status,
  task.run_at,
  task.created_at,
  task.started_at,
  task.ended_at,
  worker.name as worker_id,
  task.attempt_count,
  task.max_attempts,
  task.result,
  task.error,
  task.dedupe_key,
  task.parent_task_id,
  task.metadata
from triaged.tasks as task
left join triaged.workers as worker using (worker_id)
where task.task_type in ('consumer_triage', 'template_triage', 'change_notification');
