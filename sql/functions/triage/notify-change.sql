-- A change of a repository, and whom it concerns.

-- -> queued. Tell of a change of a repository: a change_notification task, which enqueues
-- a task for each dependent. The event is an object with source_repo, commit_sha,
-- commit_message and branch; what else it holds goes along. The same commit on the same
-- branch told again, while its task is live and for 24 hours, is that task again: duplicate.
-- A commit may release several packages: each is a change of its own.
--
-- With the rights of the caller, for the reason that enqueue_task tells.
create or replace function triaged.notify_change(
  event jsonb,
  queue text default 'default',
  priority anycompatible default 2
)
returns table (task_id bigint, outcome text)
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_required constant text[] := '{source_repo, commit_sha, commit_message, branch}';
  v_missing text[];
  v_key text;
begin
  if jsonb_typeof(notify_change.event) is distinct from 'object' then
    raise exception 'expected the event to be a JSON object, got %',
      coalesce(jsonb_typeof(notify_change.event), 'null')
      using errcode = '22023';
  end if;

  v_missing := array(
    select name
    from unnest(v_required) as name
    where
      jsonb_typeof(notify_change.event -> name) is distinct from 'string'
      or (name <> 'commit_message' and btrim(notify_change.event ->> name) = '')
  );

  if v_missing <> '{}' then
    raise exception 'expected the event to have the text %',
      array_to_string(v_missing, ', and the text ')
      using
        errcode = '22023',
        hint = 'Needed are ' || array_to_string(v_required, ', ') || '; the rest is optional.';
  end if;

  perform triaged.check_repo_name('source_repo', btrim(notify_change.event ->> 'source_repo'));

  -- The same branch may be called main, or refs/heads/main.
  v_key := 'change_notification ' || encode(
    sha256(
      convert_to(
        jsonb_build_array(
          btrim(notify_change.event ->> 'source_repo'),
          btrim(notify_change.event ->> 'commit_sha'),
          regexp_replace(btrim(notify_change.event ->> 'branch'), '^refs/heads/', ''),
          notify_change.event #> '{package, name}',
          notify_change.event #> '{package, from}',
          notify_change.event #> '{package, to}'
        )::text,
        'UTF8'
      )
    ),
    'hex'
  );

  return query
  select answer.task_id, answer.outcome
  from triaged.enqueue_plain_task(
    'change_notification',
    jsonb_build_object(
      'source_repo', btrim(notify_change.event ->> 'source_repo'),
      'change_event', notify_change.event
    ),
    queue => notify_change.queue,
    priority => notify_change.priority::text,
    dedupe_key => v_key,
    dedupe_for => interval '24 hours'
  ) as answer;
end;
$$;

-- The repositories that a change of a repository concerns, and the type of the task that finds out
-- how: its consumers, its derivatives, and the templates of which it is a bidirectional derivative.
-- For those templates source and target change places, and the configuration says direction:
-- reverse. A repository that is registered in other upper and lower case is meant too, as it is one
-- for GitHub.
create or replace function triaged.dependents_of(source_repo text)
returns table (
  role text,
  task_type text,
  target_repo text,
  relationship_type text,
  relationship_config jsonb
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_source text := coalesce(
    (
      select known.repo_name
      from triaged.repositories as known
      where known.repo_name = dependents_of.source_repo
    ),
    (
      select min(known.repo_name)
      from triaged.repositories as known
      where lower(known.repo_name) = lower(dependents_of.source_repo)
      -- Where two names match, neither is meant.
      having count(*) = 1
    )
  );
begin
  return query
  select
    case known.relationship_type when 'api_consumer' then 'consumer' else 'derivative' end,
    case known.relationship_type
      when 'api_consumer' then 'consumer_triage' else 'template_triage'
    end,
    known.target_repo,
    known.relationship_type,
    known.relationship_config
  from triaged.relationships as known
  where known.source_repo = v_source
  union all
  select
    'parent',
    'template_triage',
    known.source_repo,
    known.relationship_type,
    known.relationship_config - '{source_clone_url, target_clone_url}'::text[]
      || jsonb_strip_nulls(jsonb_build_object(
        'direction', 'reverse',
        'source_clone_url', known.relationship_config -> 'target_clone_url',
        'target_clone_url', known.relationship_config -> 'source_clone_url'
      ))
  from triaged.relationships as known
  where
    known.target_repo = v_source
    and known.relationship_type = 'template_fork'
    and known.relationship_config -> 'bidirectional' = 'true'
    -- Two that are templates of each other: once is enough.
    and not exists (
      select
      from triaged.relationships as forth
      where
        forth.source_repo = v_source
        and forth.target_repo = known.source_repo
        and forth.relationship_type = 'template_fork'
    )
  order by 1, 3;
end;
$$;
