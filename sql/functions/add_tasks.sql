-- -> queued. What enqueue_tasks does, for our own functions: p_by is whom history names, '' for
-- the caller. So it is granted to nobody.
--
-- Tasks without a dedupe_key are one insert. Those with a key go one by one, in the
-- order of the keys, so that two callers never wait for each other in a circle.
create or replace function triaged.add_tasks(p_tasks jsonb, p_by text)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_keyed record;
begin
  perform triaged.check_batch(p_tasks);

  -- A statement of its own: the event of the insert below is announced right before it.
  select
    array_agg(keyed."position") as positions,
    array_agg(keyed.task_id) as task_ids,
    array_agg(keyed.outcome) as outcomes
  into v_keyed
  from triaged.enqueue_keyed_tasks(p_tasks, p_by) as keyed;

  perform triaged.note_event('enqueue', p_by);

  return query
  with given as materialized (
    select
      each.ordinality::integer as "position",
      each.task_id,
      each.task_type,
      coalesce(each.payload, '{}') as payload,
      coalesce(each.queue, 'default') as queue,
      triaged.parse_priority(each.priority) as priority,
      coalesce(each.run_at, triaged.now()) as run_at,
      coalesce(each.max_attempts, known.max_attempts, 3) as max_attempts,
      each.parent_task_id,
      case
        when each.parent_task_id is not null then triaged.root_of(each.parent_task_id)
      end as root_task_id,
      coalesce(each.metadata, '{}') as metadata
    -- Numbered before the join, whatever its plan: those that are due together run in their order.
    from (
      select given.*, nextval('triaged.live_tasks_task_id_seq') as task_id
      from rows from (
        jsonb_to_recordset(p_tasks) as (
          task_type text, payload jsonb, queue text, priority text, run_at timestamptz,
          max_attempts integer, dedupe_key text, parent_task_id bigint, metadata jsonb
        )
      ) with ordinality as given
      where given.dedupe_key is null
    ) as each
    left join triaged.task_types as known using (task_type)
  ),
  created as (
    insert into triaged.live_tasks (
      task_id, task_type, payload, queue, priority, run_at, max_attempts, parent_task_id,
      root_task_id, metadata, created_at
    )
    overriding system value
    select
      task_id, task_type, payload, queue, priority, run_at, max_attempts, parent_task_id,
      root_task_id, metadata, triaged.now()
    from given
    where triaged.check_task(task_type, payload, queue, run_at, max_attempts, metadata) is not null
  )
  select given."position", given.task_id, 'created' from given
  union all
  select keyed."position", keyed.task_id, keyed.outcome
  from unnest(v_keyed.positions, v_keyed.task_ids, v_keyed.outcomes)
    as keyed ("position", task_id, outcome)
  order by 1;

  perform triaged.ring_doorbell();
end;
$$;
