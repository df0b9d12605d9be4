-- Tell of new history: pushes, alerts, and notifications for whoever listens. Off the path of the
-- transitions themselves, which write history and nothing else.

-- Tell of the next rows of history that are folded, each once: some max_rows of them. p_alerts has
-- the alerts that are wanted, p_updates whether task_updates is notified. Returns off where nobody
-- wants to be told, more where there is more to tell, else done. A call is one step: it commits
-- with its caller, and one that was interrupted has told nothing.
create or replace function triaged.tell_history(
  p_alerts text[] default '{}',
  p_updates boolean default false,
  p_queue_age interval default '10 minutes',
  max_rows integer default 5000
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_known triaged.told_history;
  v_folded_id bigint;
  v_until_id bigint;
  v_step bigint := greatest(1, max_rows);
begin
  if
    coalesce(cardinality(p_alerts), 0) = 0
    and not p_updates
    and not exists (select from triaged.push_configs)
  then
    update triaged.told_history set is_on = false where is_on;
    return 'off';
  end if;

  insert into triaged.told_history default values on conflict do nothing;

  -- Lock order: the only lock here but those of effects, by their keys.
  select * into v_known from triaged.told_history for update skip locked;

  if not found then
    return 'done';
  end if;

  v_folded_id := coalesce((select folded_id from triaged.rollup_progress), 0);

  -- From now on; a config is older than this look.
  if not v_known.is_on then
    v_known.told_id := least(
      v_folded_id, (select min(since_id) from triaged.push_configs)
    );
  end if;

  while
    v_known.told_id + v_step < v_folded_id
    and not triaged.has_more_rows(v_known.told_id, v_known.told_id + v_step, 0)
  loop
    v_step := v_step * 4;
  end loop;

  v_until_id := greatest(v_known.told_id, least(v_folded_id, v_known.told_id + v_step));

  if v_until_id > v_known.told_id then
    perform triaged.make_pushes(v_known.told_id, v_until_id);
    perform triaged.make_task_alerts(v_known.told_id, v_until_id, p_alerts);

    if p_updates then
      perform triaged.notify_updates(v_known.told_id, v_until_id);
    end if;
  end if;

  perform triaged.make_state_alerts(p_alerts, p_queue_age);

  update triaged.told_history set told_id = v_until_id, is_on = true;

  return case when v_until_id < v_folded_id then 'more' else 'done' end;
end;
$$;

-- An effect of each transition of a range of ids, for each config of its task.
create or replace function triaged.make_pushes(p_after bigint, p_until bigint)
returns void
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
begin
  perform triaged.make_effects('push', array(
    select jsonb_build_object(
      'task_id', recorded.task_id,
      'key', 'push:' || config.id || ':' || recorded.history_id,
      'payload', jsonb_build_object(
        'config_id', config.id,
        'body', jsonb_build_object(
          'streamResponse', jsonb_build_object(
            'statusUpdate', jsonb_build_object(
              'taskId', recorded.task_id::text,
              'status', recorded.status,
              'final', recorded.status in ('finished', 'failed', 'cancelled'),
              'event', recorded.event,
              'historyId', recorded.history_id::text,
              'taskType', recorded.task_type,
              'attempt', recorded.attempt_count,
              'occurredAt', triaged.iso_time(recorded.at),
              'error', left(recorded.error, 2000)
            )
          )
        )
      )
    )
    from triaged.task_history as recorded
    join triaged.push_configs as config on config.task_id = recorded.task_id
    where
      recorded.history_id > p_after
      and recorded.history_id <= p_until
      and recorded.history_id > config.since_id
    order by recorded.history_id
  ));
end;
$$;

-- Notify whoever listens of the tasks that changed, each once.
create or replace function triaged.notify_updates(p_after bigint, p_until bigint)
returns void
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
as $$
declare
  v_schema text := split_part('triaged.task_history', '.', 1);
begin
  -- The queue of notifications may be full of what a listener does not take.
  if not triaged.may_notify() then
    return;
  end if;

  perform pg_notify(
    case when v_schema = 'triaged' then '' else v_schema || '.' end || 'task_updates',
    json_build_object('task_id', changed.task_id::text, 'event', 'update')::text
  )
  from (
    select distinct task_id from triaged.task_history
    where history_id > p_after and history_id <= p_until
  ) as changed;
end;
$$;

-- Write effects of a kind, and have each delivered. One whose key exists stays as it is.
create or replace function triaged.make_effects(p_kind text, p_effects jsonb[])
returns void
language plpgsql
as $$
declare
  v_now timestamptz := triaged.now();
  v_jobs constant text := triaged.jobs_schema();
  v_made record;
begin
  for v_made in
    insert into triaged.effects as made (task_id, kind, effect_key, payload, due_at, created_at)
    select
      (given ->> 'task_id')::bigint, p_kind, given ->> 'key', given -> 'payload', v_now, v_now
    from unnest(p_effects) with ordinality as each (given, place)
    order by place
    on conflict (effect_key) do nothing
    returning made.effect_id, made.effect_key
  loop
    perform triaged.add_effect_job(
      v_made.effect_id, v_made.effect_key, p_run_at => null, p_jobs => v_jobs
    );
  end loop;
end;
$$;

-- A point in time as ISO text of UTC.
create or replace function triaged.iso_time(p_at timestamptz)
returns text
language sql
stable
as $$
  select to_json(p_at at time zone 'UTC') #>> '{}' || 'Z';
$$;
