-- Trigger of dependency_relationships: a verdict on a pair rests on how the pair is
-- configured, so those that are cached end with the configuration. In both directions:
-- templates may take changes back.
create or replace function triaged.expire_cached_results()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_changed triaged.dependency_relationships;
  v_source text;
  v_target text;
begin
  -- As in insert_task.
  if tg_relid <> 'triaged.dependency_relationships'::regclass then
    raise exception 'expire_cached_results() does not serve %', tg_relid::regclass
      using errcode = '42501';
  end if;

  -- The cached verdicts that a dump holds were reached under the relationships that it holds.
  if triaged.is_restoring() then
    return null;
  end if;

  v_changed := coalesce(new, old);

  select repo_name into v_source
  from triaged.repositories where id = v_changed.source_repo_id;

  select repo_name into v_target
  from triaged.repositories where id = v_changed.target_repo_id;

  update triaged.triage_results_cache
  set expires_at = triaged.now()
  where
    (source_repo, target_repo) in ((v_source, v_target), (v_target, v_source))
    and expires_at > triaged.now();

  return null;
end;
$$;
