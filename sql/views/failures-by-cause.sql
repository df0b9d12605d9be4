-- Why attempts failed in the last 24 hours, by task type and cause: how many failed, how many of
-- them ended their task, and the newest. The cause is the class in the history of the failure, such
-- as timeout; unknown where the worker gave none.
create or replace view triaged.failures_by_cause as
select task_type, cause, count, ended, last_at, last_task_id
from triaged.failures_since(triaged.now() - interval '24 hours');
