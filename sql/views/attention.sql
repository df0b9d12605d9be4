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
  from (
    select distinct on (task_id) held.*
    from triaged.claims as claim
    cross join lateral (
      select *
      from triaged.live_tasks as task
      where
        task.task_id = any (claim.task_ids)
        and task.worker_id = claim.worker_id
        and task.status = 'started'
        and task.started_at < triaged.now() - interval '1 hour'
      -- Keeps the planner from a join that reads all tasks.
      offset 0
    ) as held
    where claim.claimed_at < triaged.now() - interval '1 hour'
    order by task_id
  ) as stuck
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
