-- Claim tasks of a type again.
create or replace function triaged.resume_task_type(task_type text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  update triaged.task_types as known
  set paused_at = null
  where known.task_type = resume_task_type.task_type and known.paused_at is not null;

  perform triaged.ring_doorbell();
end;
$$;
