import type { Client } from "pg";

/** Workers that ended in the last 24 hours. */
export const WORKERS_GONE = 600;

/**
 * Fill what pages show beside tasks, with as many rows as a busy month leaves: for ten million
 * tasks a million effects, of which one in a hundred failed, 100,000 operations, 3,000
 * repositories with 5,000 relationships and 50,000 verdicts, 400 schedules. The triggers are off.
 */
export async function fillAround(client: Client, tasks: number): Promise<void> {
  await client.query(EFFECTS, [Math.ceil(tasks / 10)]);
  await client.query(OPERATIONS, [Math.ceil(tasks / 100)]);
  await client.query(PROGRESS);
  await client.query(REPOSITORIES);
  await client.query(RELATIONSHIPS);
  await client.query(VERDICTS, [Math.ceil(tasks / 200)]);
  await client.query(SCHEDULES);
  await client.query(TASK_TYPES);
  // What was written with numbers of its own is behind the sequence.
  await client.query(
    `select setval(
       'triaged.live_tasks_task_id_seq', greatest(1, (select max(task_id) from triaged.live_tasks)))`,
  );
}

const EFFECTS = `
  insert into triaged.effects (
    task_id, kind, effect_key, payload, status, attempts, due_at, external_ref, last_error,
    created_at, delivered_at
  )
  select
    1 + n * 9, kind, 'effect ' || n,
    jsonb_build_object('url', 'https://example.com/' || n, 'text', md5(n::text)), status,
    case status when 'failed' then 20 when 'pending' then 0 else 1 end, created_at,
    case when status = 'delivered' then 'https://example.com/issues/' || n end,
    case when status = 'failed' then 'answered 50' || n % 4 end, created_at,
    case when status = 'delivered' then created_at + interval '2 seconds' end
  from (
    select
      n,
      (array['github_issue', 'webhook', 'push', 'push', 'digest', 'context_sink'])[1 + n % 6]
        as kind,
      case when n % 100 = 50 then 'failed' when n % 1000 = 1 then 'skipped'
        when n > $1::integer - 1000 and n % 2 = 0 then 'pending' else 'delivered' end as status,
      now() - interval '30 days' * (1 - n::float8 / $1::integer) as created_at
    from generate_series(1, $1::integer) as n
  ) as made`;

const OPERATIONS = `
  insert into triaged.operations (
    at, action, actor, login, reason, door, task_id, target, change, expected, is_estimate
  )
  select
    now() - interval '30 days' * (1 - n::float8 / $1::integer), action, 'person-' || n % 50,
    'triaged', 'since ticket ' || n / 10, (array['dashboard', 'cli', 'rest', 'sql'])[1 + n % 4],
    case when n % 50 > 0 then n end,
    case when n % 50 > 0 then '{}'
      else jsonb_build_object('status', 'failed', 'task_type', 'type_' || n % 20) end,
    case action when 'change_priority' then '{"priority": 0}'::jsonb end,
    case when n % 50 = 0 then 400 end, case when n % 50 = 0 then false end
  from (
    select n, (array['retry', 'cancel', 'decide', 'change_priority'])[1 + n % 4] as action
    from generate_series(1, $1::integer) as n
  ) as made`;

const PROGRESS = `
  insert into triaged.operation_progress (
    operation_id, status, matched, done, skipped, failed, updated_at, ended_at
  )
  select
    operation_id, case when operation_id % 3 = 0 then 'aborted' else 'done' end, 400, 390, 10, 0,
    at + interval '5 seconds', at + interval '5 seconds'
  from triaged.operations
  where expected is not null`;

const REPOSITORIES = `
  insert into triaged.repositories (repo_name, repo_type, created_at, updated_at)
  select 'org/repo-' || n, 'service_provider', now() - interval '60 days', now()
  from generate_series(0, 2998) as n`;

/** Most have a few consumers; every 300th is used by some hundred. */
const RELATIONSHIPS = `
  insert into triaged.dependency_relationships (
    source_repo_id, target_repo_id, relationship_type, created_at, updated_at
  )
  select
    source.id, target.id,
    case when n % 10 = 0 then 'template_fork' else 'api_consumer' end, now() - interval '60 days',
    now()
  from generate_series(1, 5000) as n
  join triaged.repositories as source
    on source.repo_name = 'org/repo-' || case when n % 5 = 0 then 300 * (n % 3) else n * 7 % 2999 end
  join triaged.repositories as target on target.repo_name = 'org/repo-' || n * 13 % 2777
  where source.id <> target.id
  on conflict do nothing`;

const VERDICTS = `
  insert into triaged.triage_results_cache (
    cache_key, source_repo, target_repo, commit_sha, relationship_type, analyzer_version,
    config_hash, requires_action, urgency, impact_summary, confidence, result_data, created_at,
    expires_at
  )
  select
    'key ' || n || ' ' || edge.id, source.repo_name, target.repo_name, md5(n::text),
    edge.relationship_type, '1.0.0', md5('config'), n % 4 = 0,
    (array['low', 'medium', 'high', 'critical'])[1 + n % 4], 'the shape of call ' || n || ' changed',
    0.9, jsonb_build_object('requires_action', n % 4 = 0, 'summary', md5(n::text)),
    now() - n * interval '1 hour', now() + interval '7 days' - n * interval '1 hour'
  from triaged.dependency_relationships as edge
  join triaged.repositories as source on source.id = edge.source_repo_id
  join triaged.repositories as target on target.id = edge.target_repo_id
  cross join generate_series(1, greatest(1, $1::integer / 5000)) as n`;

const SCHEDULES = `
  insert into triaged.schedule_runs (schedule, last_run_at, last_task_id, run_count)
  select 'schedule ' || n, now() - n * interval '1 minute', n, n * 100
  from generate_series(1, 400) as n`;

/** As registering workers leaves them. */
const TASK_TYPES = `
  insert into triaged.task_types (task_type, max_attempts)
  select 'type_' || n, 3 from generate_series(0, 19) as n
  on conflict do nothing`;
