-- Make one issue for each target from the waiting digest rows, in one transaction. A row is in one
-- digest, which has the labels of its rows. A target whose first row has waited less than waited_ms
-- gets none yet. Returns how many digests were made. Reads at most max_rows rows; the next run
-- takes the others.
create or replace function triaged.gather_digest(
  waited_ms bigint default 0,
  max_rows integer default 10000
)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := triaged.now();
  v_jobs constant text := triaged.jobs_schema();
  v_target record;
  v_made record;
  v_labels jsonb;
  -- For the title of the issue; null is weekly.
  v_schedule jsonb := (
    select settings -> 'digest_schedule'
    from triaged.relationship_settings where name = 'notifications'
  );
  v_count integer := 0;
begin
  for v_target in
    select
      waiting.payload ->> 'target_repo' as repo,
      array_agg(waiting.effect_id) as effect_ids,
      max(waiting.effect_id) as newest_id,
      max(waiting.task_id) as task_id,
      jsonb_agg(
        -- No more of each row than an issue shows: all entries together are one row, and one
        -- request, and a handler may have written a MiB into each.
        jsonb_build_object(
          'source_repo', left(waiting.payload ->> 'source_repo', 300),
          'commit_sha', left(waiting.payload ->> 'commit_sha', 300),
          'impact_summary', left(waiting.payload ->> 'impact_summary', 1000)
        )
        order by waiting.effect_id
      ) as entries
    from (
      select effect.effect_id, effect.task_id, effect.payload, effect.created_at
      from triaged.effects as effect
      where effect.kind = 'digest' and effect.status = 'pending'
      order by effect.effect_id
      limit max_rows
      -- Two gatherers at once share the rows.
      for update skip locked
    ) as waiting
    group by waiting.payload ->> 'target_repo'
    having min(waiting.created_at) <= v_now - make_interval(secs => waited_ms / 1000.0)
  loop
    v_labels := (
      select case
        when bool_or(jsonb_typeof(effect.payload -> 'labels') = 'array') then to_jsonb(
          array(
            select distinct left(label, 50)
            from unnest(array_agg(effect.payload -> 'labels')) as listed (labels)
            cross join lateral jsonb_array_elements_text(
              case jsonb_typeof(labels) when 'array' then labels else '[]' end
            ) as given (label)
            where label <> ''
            order by 1
            limit 10
          )
        )
      end
      from triaged.effects as effect
      where effect.effect_id = any (v_target.effect_ids)
    );

    insert into triaged.effects as made (task_id, kind, effect_key, payload, due_at, created_at)
    values (
      v_target.task_id,
      'github_issue',
      'digest:' || v_target.newest_id,
      triaged.without_nulls(
        jsonb_build_object(
          'target_repo', v_target.repo,
          'entries', v_target.entries,
          'labels', v_labels,
          'schedule', v_schedule
        )
      ),
      v_now,
      v_now
    )
    returning made.effect_id, made.effect_key
    into v_made;

    update triaged.effects as effect
    set
      status = 'delivered',
      delivered_at = v_now,
      external_ref = 'effect ' || v_made.effect_id
    where effect.effect_id = any (v_target.effect_ids);

    perform triaged.add_effect_job(
      v_made.effect_id, v_made.effect_key, p_run_at => null, p_jobs => v_jobs
    );
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
