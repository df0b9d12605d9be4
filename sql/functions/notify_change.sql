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

  -- A branch is main here and refs/heads/main there, by the same producer's two ways.
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
