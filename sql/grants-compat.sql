-- As sql/grants.sql. The functions here run with the rights of their callers, so that each may do
-- by them what it may do in schema triaged anyway: an update by triaged_api is refused there, but
-- for a cancel.
revoke all on all functions in schema triaged_compat
from triaged_owner, triaged_api, triaged_readonly;

grant usage on schema triaged_compat to triaged_owner, triaged_api, triaged_readonly;
grant select on all tables in schema triaged_compat
to triaged_owner, triaged_api, triaged_readonly;

grant insert on triaged_compat.tasks to triaged_owner, triaged_api;
-- By column, as in sql/grants.sql.
grant update (
  task_id, skill_name, task_type, status, source_repo, target_repo, change_event,
  relationship_config, created_at, started_at, ended_at, result, error, worker_id,
  attempt_count, max_attempts
) on triaged_compat.tasks to triaged_owner, triaged_api;

grant execute on function
  triaged_compat.cleanup_old_tasks
to triaged_owner;

grant execute on function
  triaged_compat.get_next_task,
  triaged_compat.update_task_status
to triaged_owner, triaged_api;
