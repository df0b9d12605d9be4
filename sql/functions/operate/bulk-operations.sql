-- Operations on many tasks: retry, cancel, change_priority and change_run_at of all that match a
-- filter, in bounded batches. A batch is a transaction: it acts on its tasks and moves the place of
-- the operation behind them, so that one that was interrupted has done nothing, and no task is
-- visited twice. Acted on are tasks that were created before the operation began, and that match
-- when their batch runs.

-- Begin an operation on all tasks that match, and have the jobs do it. Returns its id; with a
-- request_key that was used before, that of the earlier one. filter is an object of these, all of
-- which must hold; {} is all tasks that the action is possible for:
--   status, task_type, queue
--   repo             source_repo or target_repo in the payload
--   context_id       in the metadata
--   parent_task_id
--   worker           its name or id: it holds the task, or held it last
--   error            a text that the error contains, in any case
--   error_shape      what error_shape() makes of the error
--   cause            of a failed task, as failures_by_cause names it
--   payload          an object that the payload contains
--   created_since, created_before, ended_since, ended_before
-- change is {"priority": 0} or {"run_at": …}, null for now. Raises 22023 for an argument that is
-- not one, and without a reason in the setting triaged.reason.
create or replace function triaged.start_operation(
  action text,
  filter jsonb,
  change jsonb default null,
  request_key text default null
)
returns bigint
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_operation_id bigint;
  v_preview record;
begin
  perform triaged.check_operation(
    start_operation.action, start_operation.filter, start_operation.change
  );

  if coalesce(current_setting('triaged.reason', true), '') = '' then
    raise exception 'expected a reason: an operation on many tasks needs one'
      using errcode = '22023', hint = 'set local triaged.reason = ''…''';
  end if;

  -- Two requests at the same time: the second waits for the first, and finds its row.
  select known.operation_id into v_operation_id
  from triaged.operations as known
  where known.request_key = start_operation.request_key;

  if found then
    return v_operation_id;
  end if;

  select * into v_preview
  from triaged.preview_operation(start_operation.action, start_operation.filter);

  v_operation_id := triaged.record_operation(
    start_operation.action, null, start_operation.filter, start_operation.change,
    v_preview.count, v_preview.is_estimate, start_operation.request_key
  );

  insert into triaged.operation_progress (operation_id, updated_at, after_status)
  values (
    v_operation_id, triaged.now(),
    -- The first status that is worked off.
    case when start_operation.action = 'retry'
      then coalesce(start_operation.filter ->> 'status', 'failed')
    end
  );

  perform triaged.add_maintenance_job('run-operations');
  return v_operation_id;
exception
  -- Of the request_key.
  when sqlstate '23505' then
    select known.operation_id into strict v_operation_id
    from triaged.operations as known
    where known.request_key = start_operation.request_key;

    return v_operation_id;
end;
$$;

-- How many tasks an operation would act on: counted while that is cheap, else about.
create or replace function triaged.preview_operation(action text, filter jsonb)
returns table (count bigint, is_estimate boolean)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  -- So many are looked at one by one, in some 20 ms; what matches of more is taken to have the same
  -- share.
  c_looked_max constant bigint := 4000;
  -- So many are counted.
  c_counted_max constant bigint := 1000000;
  v_now timestamptz := triaged.now();
  v_status text := coalesce(filter ->> 'status', 'failed');
  v_looked bigint;
  v_matching bigint;
  v_all bigint;
begin
  perform triaged.check_operation(preview_operation.action, preview_operation.filter, null, true);

  if preview_operation.action = 'retry' then
    v_all := (
      select count(*)
      from (
        select from triaged.final_tasks where status = v_status limit c_counted_max
      ) as known
    );
  end if;

  -- No other condition.
  if v_all < c_counted_max and filter - 'status' = '{}' then
    return query select v_all, false;
    return;
  end if;

  select count(*), count(*) filter (where matches) into v_looked, v_matching
  from triaged.candidates(
    preview_operation.action, preview_operation.filter, v_status, '-infinity', 0, v_now,
    c_looked_max
  );

  if v_looked < c_looked_max then
    return query select v_matching, false;
    return;
  end if;

  v_all := coalesce(
    v_all, (select coalesce(sum(known.count), 0) from triaged.known_depth() as known)
  );

  return query select (v_matching * (greatest(v_all, v_looked)::numeric / v_looked))::bigint, true;
end;
$$;

-- Do the next batch of an operation: look at some tasks, and act on those that match, max_rows of
-- them at most. Returns running, done or aborted; null where another session is at it.
create or replace function triaged.advance_operation(
  operation_id bigint,
  max_rows integer default 500
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  -- Tasks that one batch looks at.
  c_looked_max constant integer := 5000;
  v_max integer := greatest(1, max_rows);
  v_operation triaged.operations;
  v_known triaged.operation_progress;
  v_batch record;
  v_result record;
begin
  -- Lock order: the operation, then its tasks in the order of their ids.
  select * into v_known
  from triaged.operation_progress as progress
  where progress.operation_id = advance_operation.operation_id
  for update skip locked;

  if not found then
    return null;
  elsif v_known.status <> 'running' then
    return v_known.status;
  end if;

  select * into strict v_operation
  from triaged.operations as known
  where known.operation_id = advance_operation.operation_id;

  -- Up to the last task that is acted on, or else that was looked at.
  with looked as materialized (
    select found.*, row_number() over () as place
    from triaged.candidates(
      v_operation.action, v_operation.target, v_known.after_status, v_known.after_created_at,
      v_known.after_task_id, v_operation.at, c_looked_max
    ) as found
  ),
  chosen as materialized (
    select * from looked where matches order by place limit v_max
  ),
  last as (
    select *
    from looked
    where place = case
      when (select count(*) from chosen) < v_max then (select max(place) from looked)
      else (select max(place) from chosen)
    end
  )
  select
    (select count(*) from looked) < c_looked_max
      and (select count(*) from chosen) < v_max as is_end,
    (select created_at from last) as created_at,
    (select task_id from last) as task_id,
    array(select task_id from chosen order by task_id) as task_ids,
    array(select ended_at from chosen order by task_id) as ended_ats
  into v_batch;

  select * into v_result
  from triaged.act_on_tasks(v_operation.operation_id, v_batch.task_ids, v_batch.ended_ats);

  update triaged.operation_progress as progress
  set
    after_created_at = coalesce(v_batch.created_at, after_created_at),
    after_task_id = coalesce(v_batch.task_id, after_task_id),
    matched = matched + cardinality(v_batch.task_ids),
    done = done + v_result.done,
    skipped = skipped + cardinality(v_batch.task_ids) - v_result.done - v_result.failed,
    failed = failed + v_result.failed,
    last_error = coalesce(v_result.last_error, last_error),
    status = case when v_batch.is_end then 'done' else 'running' end,
    updated_at = triaged.now(),
    ended_at = case when v_batch.is_end then triaged.now() end
  where progress.operation_id = v_operation.operation_id;

  return case when v_batch.is_end then 'done' else 'running' end;
end;
$$;

-- Stop an operation on many tasks behind the batch that runs. What it did stays done. Returns false
-- where it had ended. Raises TR001 where there is no such operation.
create or replace function triaged.abort_operation(operation_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  update triaged.operation_progress as progress
  set status = 'aborted', updated_at = triaged.now(), ended_at = triaged.now()
  where progress.operation_id = abort_operation.operation_id and progress.status = 'running';

  if found then
    perform triaged.record_operation(
      'abort', p_target => jsonb_build_object('operation_id', abort_operation.operation_id)
    );
    return true;
  end if;

  if not exists (
    select from triaged.operation_progress as progress
    where progress.operation_id = abort_operation.operation_id
  ) then
    raise exception 'there is no operation % on many tasks', abort_operation.operation_id
      using errcode = 'TR001';
  end if;

  return false;
end;
$$;
