-- The workers that live, and those that ended in the last 24 hours: who they are, what
-- they hold, when they were last seen, and how they ended.
create or replace view triaged.worker_activity as
select
  worker.worker_id,
  worker.name,
  worker.host,
  worker.pid,
  case
    when worker.ended_at is not null then 'ended'
    when worker.heartbeat_at < triaged.now() - worker.lease then 'silent'
    else 'alive'
  end as state,
  worker.queues,
  worker.task_types,
  worker.concurrency,
  coalesce(held.count, 0) as held,
  held.task_ids,
  held.oldest_started_at,
  worker.started_at,
  worker.heartbeat_at,
  worker.ended_at,
  worker.end_reason
from triaged.workers as worker
-- Asked of those that claimed something that they may hold, not of each that ended in a day.
left join lateral (
  select held.count, held.task_ids, held.oldest_started_at
  from (
    select from triaged.claims as claim where claim.worker_id = worker.worker_id limit 1
  ) as claimed
  cross join lateral triaged.held_by(worker.worker_id) as held
) as held on true
where worker.ended_at is null or worker.ended_at > triaged.now() - interval '24 hours';
