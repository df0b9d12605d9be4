-- Fold history into rollups: each row once, whatever commits meanwhile, in bounded pieces.

-- Fold rows of history that are new, some max_rows of them. Returns how many; 0 where all is folded
-- that can be, or where another session is at it. A call is one step: it commits with its caller,
-- and one that was interrupted has done nothing.
--
-- Ids are drawn before their rows commit, so the newest id says nothing about those before it. But
-- whoever draws one has locked history as a writer, to the end of its transaction. So once each
-- transaction is over that wrote history when the newest id was looked up, every row up to that id
-- is there, or never will be. This waits a moment for that. Where a transaction takes longer, the
-- look is kept, and a later call folds up to there; until then those rows are read from history by
-- whoever asks. Transactions that do not write history, or work elsewhere, hold nothing up.
create or replace function triaged.fold_history(max_rows integer default 50000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_waits constant integer := 5;
  c_wait_seconds constant double precision := 0.01;
  v_drawn_id bigint;
  v_writers text[];
  v_next_xid xid8;
  v_is_written boolean := true;
  v_known triaged.rollup_progress;
  v_target_id bigint;
  v_until_id bigint;
  v_step bigint := greatest(1, max_rows);
  v_folded integer := 0;
begin
  -- With one snapshot for all statements, it could be older than the look at the writers.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'fold_history() needs a transaction that is read committed'
      using errcode = '25001';
  end if;

  -- In this order.
  v_drawn_id := coalesce(pg_sequence_last_value(
    pg_get_serial_sequence('triaged.task_history', 'history_id')::regclass
  ), 0);
  v_writers := triaged.history_writers();
  v_next_xid := pg_snapshot_xmax(pg_current_snapshot());

  for waited in 0..c_waits loop
    v_is_written := triaged.is_writing_history(v_writers, v_next_xid);
    exit when not v_is_written;
    perform pg_sleep(c_wait_seconds);
  end loop;

  insert into triaged.rollup_progress default values on conflict do nothing;

  select * into v_known from triaged.rollup_progress
  -- Lock order: the only lock here but those of rollups, which only its holder writes.
  for update skip locked;

  if not found then
    return 0;
  end if;

  v_target_id := case
    when not v_is_written then v_drawn_id
    when not triaged.is_writing_history(v_known.marked_writers, v_known.marked_xid)
      then v_known.marked_id
    else 0
  end;

  -- Another mark, unless one is waited for.
  if v_known.marked_id <= greatest(v_target_id, v_known.folded_id) then
    v_known.marked_id := v_drawn_id;
    v_known.marked_writers := v_writers;
    v_known.marked_xid := v_next_xid;
  end if;

  while v_known.folded_id < v_target_id and v_folded < max_rows loop
    v_until_id := least(v_target_id, v_known.folded_id + v_step);

    -- Ids may be far apart, and dense again after that.
    if
      v_step > max_rows
      and triaged.has_more_rows(v_known.folded_id, v_until_id, max_rows)
    then
      v_step := greatest(1, max_rows, v_step / 4);
      continue;
    end if;

    v_folded := v_folded + triaged.fold_rows(v_known.folded_id, v_until_id);
    v_known.folded_id := v_until_id;
    v_step := least(v_step * 4, 1000000000000);
  end loop;

  update triaged.rollup_progress
  set
    folded_id = v_known.folded_id,
    marked_id = v_known.marked_id,
    marked_writers = v_known.marked_writers,
    marked_xid = v_known.marked_xid;

  perform triaged.expire_rollups();

  return v_folded;
end;
$$;

-- The other transactions that have written history, or are about to, and are not over. Whoever
-- writes to a partition by its name is not seen: only retention does, with rows that were there.
create or replace function triaged.history_writers()
returns text[]
language sql
volatile
as $$
  select coalesce(array_agg(distinct virtualtransaction), '{}')
  from pg_locks
  where
    locktype = 'relation'
    and database = (select oid from pg_database where datname = current_database())
    and relation = 'triaged.task_history'::regclass
    and mode = 'RowExclusiveLock'
    and pid is distinct from pg_backend_pid();
$$;

-- Whether one of these writers is not over. One that was prepared since goes by another name: any
-- that was numbered before p_before may be it.
create or replace function triaged.is_writing_history(p_writers text[], p_before xid8)
returns boolean
language sql
volatile
as $$
  select
    triaged.history_writers() && p_writers
    or exists (
      select from pg_prepared_xacts as prepared
      join pg_locks as own on own.transactionid = prepared.transaction
      where
        prepared.database = current_database()
        and own.pid is null
        and own.locktype = 'transactionid'
        and own.virtualtransaction = any (triaged.history_writers())
        and age(prepared.transaction) > age(p_before::xid)
    );
$$;

-- Whether history has more rows than that in a range of ids.
create or replace function triaged.has_more_rows(p_after bigint, p_until bigint, p_rows integer)
returns boolean
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
as $$
begin
  return (
    select count(*) > p_rows
    from (
      select from triaged.task_history
      where history_id > p_after and history_id <= p_until
      limit p_rows::bigint + 1
    ) as found
  );
end;
$$;

-- Add the rows of history of a range of ids, after the first and up to the last, to each rollup.
-- Returns how many rows there were. The caller makes sure that they are added once.
create or replace function triaged.fold_rows(p_after bigint, p_until bigint)
returns integer
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
as $$
#variable_conflict use_column
declare
  v_rows integer;
begin
  with recorded as materialized (
    select at, event, task_id, task_type, status, detail
    from triaged.task_history
    where history_id > p_after and history_id <= p_until
  ),
  spans as (
    select span, recorded.*, date_trunc(span, at, 'UTC') as starts_at
    from recorded
    cross join triaged.rollup_spans() as kept (span, since)
    where at >= since
  ),
  events as (
    insert into triaged.event_rollups as known (span, starts_at, event, count)
    select span, starts_at, event, count(*)
    from spans
    group by span, starts_at, event
    on conflict (span, starts_at, event) do update set count = known.count + excluded.count
  ),
  failures as (
    insert into triaged.failure_rollups as known (
      span, starts_at, task_type, cause, count, ended, last_at, last_task_id
    )
    select
      span, starts_at, task_type, triaged.failure_cause(event, detail) as cause,
      count(*), count(*) filter (where status = 'failed'), max(at), max(task_id)
    from spans
    where triaged.is_failure(event, status)
    group by span, starts_at, task_type, cause
    on conflict (span, starts_at, task_type, cause) do update
    set
      count = known.count + excluded.count,
      ended = known.ended + excluded.ended,
      last_at = greatest(known.last_at, excluded.last_at),
      last_task_id = greatest(known.last_task_id, excluded.last_task_id)
  )
  select count(*) into v_rows from recorded;

  if v_rows > 0 then
    perform triaged.fold_ends(p_after, p_until);
  end if;

  return v_rows;
end;
$$;

-- Whether a row of history tells of an attempt that failed, or of a task that ended as failed.
create or replace function triaged.is_failure(p_event text, p_status text)
returns boolean
language sql
immutable
as $$
  select (p_event = 'fail' or p_status = 'failed') and p_event <> 'import';
$$;

-- The cause of a failure: the class that the worker said, else the event.
create or replace function triaged.failure_cause(p_event text, p_detail jsonb)
returns text
language sql
immutable
as $$
  select coalesce(
    left(p_detail ->> 'class', 100), case when p_event = 'fail' then 'unknown' else p_event end
  );
$$;

-- Add the tasks that ended, by the rows of history of a range of ids.
create or replace function triaged.fold_ends(p_after bigint, p_until bigint)
returns void
language plpgsql
as $$
#variable_conflict use_column
begin
  with ended as materialized (
    select
      span, date_trunc(span, at, 'UTC') as starts_at, queue, task_type, status, at, run_seconds,
      wait_seconds
    from triaged.ends_after(p_after, p_until, '-infinity', 'infinity')
    cross join triaged.rollup_spans() as kept (span, since)
    where at >= since
  ),
  run as (
    select
      span, starts_at, queue, task_type, status, array_agg(cell) as cells,
      array_agg(count) as counts
    from (
      select
        span, starts_at, queue, task_type, status, triaged.histogram_cell(run_seconds) as cell,
        count(*) as count
      from ended
      where run_seconds is not null
      group by span, starts_at, queue, task_type, status, cell
    ) as by_cell
    group by span, starts_at, queue, task_type, status
  ),
  wait as (
    select
      span, starts_at, queue, task_type, status, array_agg(cell) as cells,
      array_agg(count) as counts
    from (
      select
        span, starts_at, queue, task_type, status, triaged.histogram_cell(wait_seconds) as cell,
        count(*) as count
      from ended
      where wait_seconds is not null
      group by span, starts_at, queue, task_type, status, cell
    ) as by_cell
    group by span, starts_at, queue, task_type, status
  )
  insert into triaged.ended_rollups as known (
    span, starts_at, queue, task_type, status, count, last_at, run_count, run_sum, run_min, run_max,
    wait_min, wait_max, run_cells, run_counts, wait_cells, wait_counts
  )
  select
    span, starts_at, queue, task_type, status, plain.count, last_at, run_count, run_sum, run_min,
    run_max, wait_min, wait_max, coalesce(run.cells, '{}'), coalesce(run.counts, '{}'),
    coalesce(wait.cells, '{}'), coalesce(wait.counts, '{}')
  from (
    select
      span, starts_at, queue, task_type, status, count(*) as count, max(at) as last_at,
      count(run_seconds) as run_count, coalesce(sum(run_seconds), 0) as run_sum,
      min(run_seconds) as run_min, max(run_seconds) as run_max,
      min(wait_seconds) as wait_min, max(wait_seconds) as wait_max
    from ended
    group by span, starts_at, queue, task_type, status
  ) as plain
  left join run using (span, starts_at, queue, task_type, status)
  left join wait using (span, starts_at, queue, task_type, status)
  on conflict (span, starts_at, queue, task_type, status) do update
  set
    count = known.count + excluded.count,
    last_at = greatest(known.last_at, excluded.last_at),
    run_count = known.run_count + excluded.run_count,
    run_sum = known.run_sum + excluded.run_sum,
    run_min = least(known.run_min, excluded.run_min),
    run_max = greatest(known.run_max, excluded.run_max),
    wait_min = least(known.wait_min, excluded.wait_min),
    wait_max = greatest(known.wait_max, excluded.wait_max),
    (run_cells, run_counts) = (
      select coalesce(array_agg(cell), '{}'), coalesce(array_agg(count), '{}')
      from (
        select cell, sum(count)::bigint as count
        from unnest(
          known.run_cells || excluded.run_cells, known.run_counts || excluded.run_counts
        ) as either (cell, count)
        group by cell
      ) as merged
    ),
    (wait_cells, wait_counts) = (
      select coalesce(array_agg(cell), '{}'), coalesce(array_agg(count), '{}')
      from (
        select cell, sum(count)::bigint as count
        from unnest(
          known.wait_cells || excluded.wait_cells, known.wait_counts || excluded.wait_counts
        ) as either (cell, count)
        group by cell
      ) as merged
    );
end;
$$;

-- The tasks that ended, by the rows of history of a range of ids and of a range of times. Each row
-- is of one end; a task that was imported did not end here. How long it ran and waited is taken
-- from the task itself; of one that was retried since, or that retention has dropped, history has
-- how long it ran.
create or replace function triaged.ends_after(
  p_after bigint,
  p_until bigint,
  p_since timestamptz,
  p_before timestamptz
)
returns table (
  at timestamptz,
  queue text,
  task_type text,
  status text,
  run_seconds double precision,
  wait_seconds double precision
)
language plpgsql
stable
-- Planned with its bounds, so that it reads and locks the partitions of its time alone, and looks
-- for one task after the other: a join of another kind would read final_tasks whole.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
as $$
#variable_conflict use_column
begin
  return query
  select
    recorded.at,
    coalesce(
      ended.queue,
      (select live.queue from triaged.live_tasks as live where live.task_id = recorded.task_id),
      ''
    ),
    recorded.task_type,
    recorded.status,
    coalesce(
      extract(epoch from ended.ended_at - ended.started_at)::double precision,
      recorded.duration_ms / 1000.0::double precision
    ),
    greatest(0, extract(epoch from ended.started_at - ended.run_at))::double precision
  from triaged.task_history as recorded
  left join triaged.final_tasks as ended
    on ended.task_id = recorded.task_id and ended.ended_at = recorded.at
    -- Says no more than the two below, but only these two name partitions to the planner.
    and ended.ended_at >= p_since and ended.ended_at < p_before
  where
    recorded.history_id > p_after
    and recorded.history_id <= p_until
    and recorded.at >= p_since
    and recorded.at < p_before
    and recorded.status in ('finished', 'failed', 'cancelled')
    and recorded.event <> 'import';
end;
$$;

-- The spans of time that rollups count by, and since when each is kept: minutes for three days,
-- hours for 400 days.
create or replace function triaged.rollup_spans()
returns table (span text, since timestamptz)
language sql
stable
as $$
  select 'minute', triaged.now() - interval '72 hours'
  union all
  select 'hour', triaged.now() - interval '9600 hours';
$$;

-- Delete rollups whose time is over.
create or replace function triaged.expire_rollups()
returns void
language plpgsql
as $$
declare
  v_kept record;
begin
  for v_kept in
    select span, since from triaged.rollup_spans()
  loop
    delete from triaged.ended_rollups where span = v_kept.span and starts_at < v_kept.since;
    delete from triaged.event_rollups where span = v_kept.span and starts_at < v_kept.since;
    delete from triaged.failure_rollups where span = v_kept.span and starts_at < v_kept.since;
  end loop;
end;
$$;
