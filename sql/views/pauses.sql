-- The queues and task types that are paused, and since when.
create or replace view triaged.pauses as
select 'queue' as kind, queue as name, paused_at
from triaged.queues
where paused_at is not null
union all
select 'task type', task_type, paused_at
from triaged.task_types
where paused_at is not null;
