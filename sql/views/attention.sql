-- Tasks that wait for a person: decisions, failed tasks, attempts that run for over an hour. Each
-- part comes in the order of an index, so that the newest of all are found without a sort of all.
create or replace view triaged.attention as
(
  select
    task_id,
    task_type,
    queue,
    status,
    status as reason,
    coalesce(decision_prompt, error, current_step) as detail,
    coalesce(started_at, created_at) as since
  from triaged.live_tasks
  -- By live_tasks_prompt_idx: each of them has a prompt.
  where status = 'needs_decision' and decision_prompt is not null
  order by coalesce(started_at, created_at) desc
)
union all
(
  select
    task_id,
    task_type,
    queue,
    status,
    'stuck',
    coalesce(decision_prompt, error, current_step),
    started_at
  from triaged.live_tasks
  where
    -- By live_tasks_held_idx: each of them is held.
    status = 'started' and worker_id is not null
    and started_at < triaged.now() - interval '1 hour'
  order by started_at desc
)
union all
(
  -- In words, so that an index has all that a count of reasons needs.
  select task_id, task_type, queue, 'failed', 'failed', error, ended_at
  from triaged.final_tasks
  where status = 'failed'
  order by ended_at desc
);
