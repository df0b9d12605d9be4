-- Pause and resume queues and task types.

-- Claim nothing more of a queue. What is started goes on.
create or replace function triaged.pause_queue(queue text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  insert into triaged.queues as known (queue, paused_at)
  values (pause_queue.queue, triaged.now())
  on conflict on constraint queues_pkey
  do update set paused_at = excluded.paused_at where known.paused_at is null;

  if found then
    perform triaged.record_operation(
      'pause_queue', p_target => jsonb_build_object('queue', pause_queue.queue)
    );
  end if;
end;
$$;

-- Claim from a queue again.
create or replace function triaged.resume_queue(queue text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  update triaged.queues as known
  set paused_at = null
  where known.queue = resume_queue.queue and known.paused_at is not null;

  if found then
    perform triaged.record_operation(
      'resume_queue', p_target => jsonb_build_object('queue', resume_queue.queue)
    );
  end if;

  perform triaged.wake_workers();
end;
$$;

-- Claim no more tasks of a type, in no queue. What is started goes on.
create or replace function triaged.pause_task_type(task_type text)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- A type that no worker has told of yet has the default that enqueue_task has.
  insert into triaged.task_types as known (task_type, max_attempts, paused_at)
  values (pause_task_type.task_type, 3, triaged.now())
  on conflict on constraint task_types_pkey
  do update set paused_at = excluded.paused_at where known.paused_at is null;

  if found then
    perform triaged.record_operation(
      'pause_task_type', p_target => jsonb_build_object('task_type', pause_task_type.task_type)
    );
  end if;
end;
$$;

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

  if found then
    perform triaged.record_operation(
      'resume_task_type', p_target => jsonb_build_object('task_type', resume_task_type.task_type)
    );
  end if;

  perform triaged.wake_workers();
end;
$$;
