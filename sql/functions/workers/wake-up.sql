-- Wake workers that wait for tasks.

-- Wake the workers that sleep, at commit, for what came in no lane or in several: they look into
-- all of theirs.
create or replace function triaged.ring_doorbell()
returns void
language sql
set search_path to pg_catalog, pg_temp
as $$
  select triaged.ring_lane(null, null, null);
$$;

-- Wake the workers that sleep, at commit; nothing where none sleeps. A notify takes a
-- lock of the whole database at commit: sixteen clients inserting single tasks made
-- 8,700 a second without it, 7,400 with this look, 3,700 with a notify each.
--
-- A sleeper shares an advisory lock, so a lock that cannot be had tells of one. A flag
-- in a table would pile up dead entries under a long transaction. Two callers at the
-- same instant may take each other for a sleeper: one needless notify. A worker that
-- goes to sleep between this look and the commit is not woken; its poll is the net.
--
-- The notify names the lane as a JSON array [queue, task_type, priority], so that a worker need not
-- look into its others; it is empty without a queue.
create or replace function triaged.ring_lane(
  p_queue text,
  p_task_type text,
  p_priority smallint
)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_key bigint := triaged.lock_key('doorbell', 0);
begin
  -- One expression: the session keeps the lock even if the transaction fails, and a cancel
  -- or a timeout between two statements would leave it with one that nobody gives back.
  if not (
    case when pg_try_advisory_lock(v_key) then pg_advisory_unlock(v_key) else false end
  ) then
    perform triaged.notify_workers(
      case
        when p_queue is null then ''
        else jsonb_build_array(p_queue, p_task_type, p_priority)::text
      end
    );
  end if;
end;
$$;

-- Tell whoever hears the doorbell, at commit: a lane as JSON, '' for any, or 'cancel'.
--
-- Where transactions may be prepared, a row waits for the end of this one, whose trigger tells (see
-- tell_wake_up). One row for the same message: the setting is undone with a savepoint, as the row.
create or replace function triaged.notify_workers(p_message text)
returns void
language plpgsql
as $$
declare
  v_told text;
begin
  if not triaged.may_notify() then
    return;
  end if;

  if not triaged.may_be_prepared() then
    perform pg_notify('triaged.doorbell', p_message);
    return;
  end if;

  v_told := pg_current_xact_id()::text || ' ' || p_message;

  if current_setting('triaged.told', true) is distinct from v_told then
    insert into triaged.wake_ups (message) values (p_message);
    perform set_config('triaged.told', v_told, true);
  end if;
end;
$$;

-- Trigger, deferred: do what a row of wake_ups is for, at commit. Nothing where the transaction is
-- prepared instead, since a notify would have that refused: then the poll of the workers, or the
-- sweep of the effects, is the net.
--
-- The statement tells which it is. Where a function of somebody has the deferred triggers fire
-- early, there is a context around this one; where `set constraints` has, the statement says so.
-- What only looks like that costs a wake-up, and no more.
create or replace function triaged.tell_wake_up()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_context text;
  v_key text;
begin
  -- As in record_insert.
  if tg_relid <> 'triaged.wake_ups'::regclass then
    raise exception 'tell_wake_up() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  delete from triaged.wake_ups where wake_up_id = new.wake_up_id;

  get diagnostics v_context = pg_context;

  if
    strpos(v_context, chr(10)) > 0
    or coalesce(current_query(), '')
      ~* '(prepare[^a-z0-9_].*transaction|set[^a-z0-9_].*constraints)'
    or not triaged.may_notify()
  then
    return null;
  end if;

  if new.message is not null then
    perform pg_notify('triaged.doorbell', new.message);
    return null;
  end if;

  select effect_key into v_key
  from triaged.effects
  where effect_id = new.effect_id and status = 'pending';

  if found then
    perform triaged.add_effect_job(new.effect_id, v_key, p_run_at => null);
  end if;

  return null;
end;
$$;

-- Whether there is room for a notification. A session that listens and stays in a transaction keeps
-- all that come, and when they fill the room of the whole server, each transaction that notifies
-- fails as it commits. Workers poll, so a task that nobody is rung for is better than none.
create or replace function triaged.may_notify()
returns boolean
language sql
volatile
as $$
  select pg_notification_queue_usage() < 0.5;
$$;

-- Whether a transaction may end by `prepare transaction` here, which is refused to one that has
-- notified. PostgreSQL's default is that none may.
create or replace function triaged.may_be_prepared()
returns boolean
language sql
stable
as $$
  select current_setting('max_prepared_transactions') <> '0';
$$;
