-- Alerts: what a person should know of at once. Each occurrence is one effect.

-- Tasks that failed, or ask a person, by the rows of history of a range of ids. Of many at once the
-- first are told by themselves, and the others as a number.
create or replace function triaged.make_task_alerts(p_after bigint, p_until bigint, p_alerts text[])
returns void
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
declare
  c_each_max constant integer := 20;
  v_alert text;
  v_told bigint[];
begin
  foreach v_alert in array array['failed', 'needs_decision'] loop
    continue when v_alert <> all (p_alerts);

    v_told := array(
      select history_id from triaged.task_history
      where
        history_id > p_after
        and history_id <= p_until
        and status = v_alert
        and event <> 'import'
      order by history_id
    );

    perform triaged.make_effects('alert', array(
      select jsonb_build_object(
        'task_id', recorded.task_id,
        'key', 'alert:' || v_alert || ':' || recorded.history_id,
        'payload', jsonb_build_object(
          'alert', v_alert,
          'subject', 'task ' || recorded.task_id,
          'detail', recorded.task_type || ': ' || left(coalesce(
            case when v_alert = 'failed' then recorded.error end,
            (
              select live.decision_prompt from triaged.live_tasks as live
              where live.task_id = recorded.task_id
            ),
            recorded.event
          ), 500),
          'occurred_at', triaged.iso_time(recorded.at)
        )
      )
      from triaged.task_history as recorded
      where
        recorded.history_id > p_after
        and recorded.history_id <= p_until
        and recorded.history_id = any (v_told[1:c_each_max])
      order by recorded.history_id
    ));

    if cardinality(v_told) > c_each_max then
      perform triaged.make_effects('alert', array[jsonb_build_object(
        'task_id', 0,
        'key', 'alert:' || v_alert || ':more:' || p_until,
        'payload', jsonb_build_object(
          'alert', v_alert,
          'subject', (cardinality(v_told) - c_each_max) || ' more tasks',
          'detail', 'triaged list --status ' || v_alert,
          'occurred_at', triaged.iso_time(triaged.now())
        )
      )]);
    end if;
  end loop;
end;
$$;

-- Queues whose oldest due task waits for longer than p_queue_age, once until it does not; workers
-- that were found dead.
create or replace function triaged.make_state_alerts(p_alerts text[], p_queue_age interval)
returns void
language plpgsql
as $$
declare
  v_now timestamptz := triaged.now();
  v_late jsonb[];
begin
  if 'queue_age' = any (p_alerts) then
    with late as materialized (
      select queue, min(oldest_run_at) as since
      from triaged.known_depth() as known
      -- Somebody has paused the others on purpose.
      where
        oldest_run_at < v_now - p_queue_age
        and not exists (
          select from triaged.queues as paused
          where paused.queue = known.queue and paused.paused_at is not null
        )
        and not exists (
          select from triaged.task_types as paused
          where paused.task_type = known.task_type and paused.paused_at is not null
        )
      group by queue
    ),
    over as (
      delete from triaged.open_alerts
      where alert = 'queue_age' and subject not in (select queue from late)
    ),
    begun as (
      insert into triaged.open_alerts (alert, subject, began_at)
      select 'queue_age', queue, v_now from late
      on conflict do nothing
      returning subject
    )
    select array_agg(jsonb_build_object(
      'task_id', 0,
      'key', 'alert:queue_age:' || md5(late.queue) || ':' || extract(epoch from v_now),
      'payload', jsonb_build_object(
        'alert', 'queue_age',
        'subject', 'queue ' || late.queue,
        'detail', 'the oldest due task waits for '
          || floor(extract(epoch from v_now - late.since)) || ' s',
        'occurred_at', triaged.iso_time(v_now)
      )
    ))
    into v_late
    from begun
    join late on late.queue = begun.subject;

    perform triaged.make_effects('alert', coalesce(v_late, '{}'));
  end if;

  if 'worker' = any (p_alerts) then
    perform triaged.make_effects('alert', array(
      select jsonb_build_object(
        'task_id', 0,
        'key', 'alert:worker:' || worker.worker_id,
        'payload', jsonb_build_object(
          'alert', 'worker',
          'subject', 'worker ' || worker.name,
          'detail', worker.end_reason,
          'occurred_at', triaged.iso_time(worker.ended_at)
        )
      )
      from triaged.workers as worker
      where
        worker.ended_at > v_now - interval '1 hour'
        and worker.end_reason in ('lease ran out', 'process died', 'process exited')
        and not exists (
          select from triaged.effects where effect_key = 'alert:worker:' || worker.worker_id
        )
    ));
  end if;
end;
$$;
