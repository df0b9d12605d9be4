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

  perform triaged.add_chart_spans();

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

  perform triaged.count_totals();
  perform triaged.merge_queues();
  perform triaged.merge_day();
  perform triaged.expire_rollups();

  return v_folded;
end;
$$;

-- The other transactions that have written history, or are about to, and are not over.
create or replace function triaged.history_writers()
returns text[]
language sql
volatile
as $$
  select coalesce(array_agg(distinct name), '{}') from triaged.history_locks();
$$;

-- The locks by which they are known: the name of each transaction, which changes when it is
-- prepared. Whoever writes to a partition by its name is not seen: only retention does, with rows
-- that were there.
create or replace function triaged.history_locks()
returns table (name text, is_prepared boolean)
language sql
volatile
as $$
  select virtualtransaction, pid is null
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
set max_parallel_workers_per_gather to 0
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
