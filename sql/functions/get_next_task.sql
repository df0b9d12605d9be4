-- queued -> started, for workers that were written for the older system: one due triage
-- task, or no row. The worker is known by its name. It has no heartbeat and no session
-- lock; each call renews its lease of ten minutes.
create or replace function triaged.get_next_task(worker_id_param varchar)
returns table (
  task_id bigint,
  skill_name text,
  task_type text,
  source_repo text,
  target_repo text,
  change_event jsonb,
  relationship_config jsonb
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_worker_id bigint := triaged.touch_compat_worker(worker_id_param);
begin
  return query
  select
    claimed.task_id, 'trigger_' || claimed.task_type, claimed.task_type,
    claimed.payload ->> 'source_repo', claimed.payload ->> 'target_repo',
    claimed.payload -> 'change_event', claimed.payload -> 'relationship_config'
  from triaged.claim_tasks(v_worker_id, 1) as claimed;
end;
$$;
