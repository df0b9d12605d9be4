-- Wake workers that wait for tasks.

-- Wake idle workers at commit, for tasks of several lanes or of none in particular: each worker
-- looks into all of its lanes.
drop function if exists triaged.ring_doorbell();

create or replace function triaged.wake_workers()
returns void
language sql
set search_path to pg_catalog, pg_temp
as $$
  select triaged.wake_workers_of_lane(null, null, null);
$$;

-- Wake idle workers at commit, and do nothing where no worker is idle. A notify takes a lock of the
-- whole database at commit: sixteen clients that insert single tasks made 8,700 a second without
-- it, 7,400 with this look, and 3,700 with a notify for each task.
--
-- An idle worker shares an advisory lock, so a lock that cannot be taken shows that there is one. A
-- flag in a table would leave dead entries, which pile up under a long transaction. Two callers at
-- the same instant may take each other for an idle worker: one needless notify. A worker that
-- becomes idle between this look and the commit is not woken; it polls.
--
-- The notification names the lane as a JSON array [queue, task_type, priority], so that a worker
-- need not look into its other lanes. It is empty where p_queue is null.
drop function if exists triaged.ring_lane(text, text, smallint);

create or replace function triaged.wake_workers_of_lane(
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
  v_key bigint := triaged.lock_key('wake-up', 0);
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

-- Notify listening workers at commit. The message is a lane as JSON, '' for any lane, or 'cancel'.
--
-- Where transactions may be prepared, this writes a row of wake_ups in place of the notification;
-- the trigger tell_wake_up sends it as the transaction ends. One row for the same message: a
-- rollback to a savepoint undoes the setting as it undoes the row.
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
    perform pg_notify('triaged.wake_up', p_message);
    return;
  end if;

  v_told := pg_current_xact_id()::text || ' ' || p_message;

  if current_setting('triaged.told', true) is distinct from v_told then
    insert into triaged.wake_ups (message) values (p_message);
    perform set_config('triaged.told', v_told, true);
  end if;
end;
$$;

-- Deferred trigger: at commit, send the notification or add the job that a row of wake_ups stands
-- for. Does nothing where the transaction is prepared instead, because PostgreSQL refuses to
-- prepare a transaction that has notified. The poll of the workers, or the sweep of effects, finds
-- the work then.
--
-- The text of the statement shows which of the two it is. Where a function makes deferred triggers
-- fire early, this trigger has a context; where `set constraints` does, the statement says so. A
-- statement that only looks like these costs one wake-up, and no more.
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
    perform pg_notify('triaged.wake_up', new.message);
    return null;
  end if;

  if new.job is not null then
    perform triaged.add_maintenance_job(new.job, p_is_told => true);
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
-- every notification; once they fill the queue of the whole server, each transaction that notifies
-- fails as it commits. Workers poll, so a task without a notification is better than no task.
create or replace function triaged.may_notify()
returns boolean
language sql
volatile
as $$
  select pg_notification_queue_usage() < 0.5;
$$;

-- Whether transactions may end by `prepare transaction` on this server, which refuses that to a
-- transaction that has notified. By default none may.
create or replace function triaged.may_be_prepared()
returns boolean
language sql
stable
as $$
  select current_setting('max_prepared_transactions') <> '0';
$$;
