// Goal: each role may do what sql/grants.sql says in prose, and no more.
// Method: take on each role and try each thing, as that role's own statement.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { query, refusal } from "../support/tasks.ts";
import { seedTask } from "../support/transitions.ts";

const ROLES = ["triaged_owner", "triaged_api", "triaged_readonly"] as const;
type Role = (typeof ROLES)[number];

const EVERYBODY: readonly Role[] = ROLES;
const WRITERS: readonly Role[] = ["triaged_owner", "triaged_api"];
const OWNER: readonly Role[] = ["triaged_owner"];
const NOBODY: readonly Role[] = [];

/** What producers and workers may call. */
const API: readonly string[] = [
  "abort_operation",
  "cancel_requests",
  "cancel_task",
  "change_priority",
  "change_run_at",
  "check_repo_name",
  "claim_tasks",
  "clock_margin",
  "decide_task",
  "delete_push_config",
  "depth_at",
  "dependents_of",
  "end_worker",
  "ended_since",
  "enqueue_plain_task",
  "enqueue_row",
  "enqueue_task",
  "enqueue_tasks",
  "error_shape",
  "events_since",
  "failures_since",
  "foreign_locks",
  "get_next_task",
  "get_task_hierarchy",
  "heartbeat_worker",
  "held_by",
  "held_task_ids",
  "insert_row",
  "known_depth",
  "known_status",
  "leave_verdict",
  "list_push_configs",
  "list_tasks",
  "lock_key",
  "lock_worker",
  "look_at_history",
  "maintenance_runs",
  "may_stop_clock",
  "mend_setback",
  "newest_transition",
  "notify_change",
  "now",
  "partition_bounds",
  "pause_queue",
  "pause_schedule",
  "pause_task_type",
  "preview_operation",
  "record_sign_ins",
  "record_start",
  "register_worker",
  "release_unknown_tasks",
  "remove_relationship",
  "report_progress",
  "rescue_process",
  "rescue_tasks",
  "resume_queue",
  "resume_schedule",
  "resume_task_type",
  "retention_days",
  "retry_effect",
  "retry_task",
  "row_of_triage",
  "run_schedule",
  "request_verify",
  "save_relationship",
  "save_relationship_settings",
  "save_repository",
  "set_push_config",
  "series_since",
  "settle_tasks",
  "settle_tasks_with_effects",
  "start_operation",
  "store_verdict",
  "take_verdict",
  "task_at",
  "task_id_of",
  "transitions_between",
  "update_task_status",
  "why",
];

/** What whoever looks may call. */
const READERS: readonly string[] = [
  "clock_margin",
  "dependents_of",
  "depth_at",
  "ended_since",
  "error_shape",
  "events_since",
  "failures_since",
  "foreign_locks",
  "get_task_hierarchy",
  "held_by",
  "held_task_ids",
  "known_depth",
  "list_tasks",
  "look_at_history",
  "maintenance_runs",
  "may_stop_clock",
  "newest_transition",
  "now",
  "partition_bounds",
  "preview_operation",
  "retention_days",
  "series_since",
  "task_at",
  "task_id_of",
  "transitions_between",
  "why",
];

const VERDICT = JSON.stringify({
  requires_action: false,
  urgency: "low",
  impact_summary: "",
  confidence: 1,
  analyzer: { version: "1" },
  evidence: { source: { repo: "a/b", head_sha: "1" }, target: { repo: "c/d", sha: "2" } },
});

// `started` and `failed` are tasks of that status.
const TRIALS: readonly { statement: string; allowed: readonly Role[] }[] = [
  ...[
    "tasks",
    "live_tasks",
    "final_tasks",
    "task_history",
    "workers",
    "queues",
    "task_types",
    "dedupe_keys",
    "triage_results_cache",
    "triage_cache_statistics",
    "verdict_fillers",
    "queue_depth",
    "task_statistics",
    "worker_activity",
    "dead_letters",
    "attention",
    "triage_tasks",
    "repositories",
    "dependency_relationships",
    "relationships",
    "relationship_settings",
    "schedule_runs",
    "pauses",
    "effects",
    "clock_setbacks",
    "queue_settings",
    "retention_days('task_history')",
    "foreign_locks()",
    "partition_bounds(1)",
    "partitions",
    "wake_ups",
    "why(1)",
    "dependents_of('a/b')",
    "task_id_of('x')",
    "import_horizon",
    "failures_by_cause",
    "events_per_minute",
    "rollup_progress",
    "ended_rollups",
    "event_rollups",
    "failure_rollups",
    "depth_counts",
    "created_ranges",
    "dropped_history",
    "told_history",
    "open_alerts",
    "look_at_history()",
    "transitions_between(0, 1)",
    "newest_transition(1)",
    "list_tasks()",
    "get_task_hierarchy(1)",
  ].map((name) => ({ statement: `select from triaged.${name}`, allowed: EVERYBODY })),

  ...[
    "tasks",
    "task_history",
    "task_statistics",
    "triage_results_cache",
    "repositories",
    "dependency_relationships",
  ].map((name) => ({ statement: `select from triaged_compat.${name}`, allowed: EVERYBODY })),

  ...[
    "select from triaged.enqueue_task('noop')",
    "select from triaged.enqueue_plain_task('noop')",
    "select from triaged.enqueue_tasks('[]')",
    "select triaged.register_worker('w', '{noop}')",
    "select triaged.lock_worker(1)",
    "select from triaged.heartbeat_worker(1)",
    "select triaged.cancel_requests(1)",
    "select triaged.end_worker(1)",
    "select from triaged.release_unknown_tasks(1, '{}', '{}')",
    "select from triaged.claim_tasks(1)",
    "select from triaged.settle_tasks('[]')",
    `select from triaged.settle_tasks(
       '[{"task_id": started, "attempt": 2, "outcome": "finish"}]')`,
    "select from triaged.settle_tasks_with_effects('[]', '[]')",
    "select triaged.retry_effect(1)",
    "select triaged.report_progress(1, 1, 1)",
    "select from triaged.rescue_tasks()",
    "select from triaged.rescue_process('host', 1)",
    "select triaged.mend_setback()",
    "select triaged.cancel_task(started)",
    "select triaged.retry_task(failed)",
    "select triaged.pause_queue('default')",
    "select triaged.resume_queue('default')",
    "select triaged.pause_task_type('noop')",
    "select triaged.resume_task_type('noop')",
    "select from triaged.take_verdict('k', 1, 1)",
    "select triaged.store_verdict('k', 1, 1, '" + VERDICT + "', 'api_consumer', 'x')",
    "select triaged.leave_verdict('k', 1, 1)",
    "select triaged.save_repository('a/b')",
    "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')",
    "select triaged.remove_relationship('a/b', 'c/d')",
    "select triaged.save_relationship_settings('file', '{}')",
    `select from triaged.notify_change(
       '{"source_repo": "a/b", "commit_sha": "1", "commit_message": "", "branch": "main"}')`,
    "select from triaged.get_next_task('w')",
    "insert into triaged.tasks (task_type) values ('noop') returning task_id",
    "insert into triaged.triage_tasks (task_type) values ('consumer_triage')",
    "insert into triaged_compat.tasks (task_id, task_type) values ('x', 'noop')",
    "update triaged_compat.tasks set status = 'failed', error = 'Cancelled by user'",
    "select from triaged_compat.get_next_task('w')",
  ].map((statement) => ({ statement, allowed: WRITERS })),

  ...[
    "update triaged.tasks set priority = 0 where task_id = started",
    "select triaged.cleanup_old_tasks()",
    "select triaged_compat.cleanup_old_tasks()",
    `select triaged.import_task('{"task_type": "noop", "status": "finished"}')`,
    "insert into triaged.tasks (task_type, status) values ('noop', 'finished')",
    "select triaged.drop_old_tasks()",
    "select triaged.save_setting('task_retention_days', '8')",
    "select triaged.create_partitions()",
    "select triaged.create_partition('task_history', '2031-01-01')",
    "select triaged.drop_expired_partitions()",
    "select from triaged.merge_partitions()",
    "select from triaged.expire_rows()",
    "select triaged.expire_verdicts()",
    `select from triaged.enqueue_scheduled('s', now(), '{"task_type": "noop"}')`,
    "select from triaged.claim_effect(1, 1)",
    "select triaged.settle_effect(1, 1, 'delivered')",
    "select triaged.gather_digest()",
    "select triaged.expire_effects()",
    "select from triaged.push_configs",
  ].map((statement) => ({ statement, allowed: OWNER })),

  ...[
    "select from triaged.add_tasks('[]', 'worker')",
    "select triaged.note_event('finish', 'worker')",
    "select triaged.wake_workers()",
    "select triaged.begin_rewrite('final_tasks', 7)",
    "select triaged.swap_partitions('final_tasks', '{}')",
    "insert into triaged.live_tasks (task_type) values ('noop')",
    "update triaged.live_tasks set priority = 0",
    "delete from triaged.live_tasks",
    "delete from triaged.tasks",
    "delete from triaged_compat.tasks",
    "insert into triaged_compat.repositories (repo_name) values ('a/b')",
    "update triaged_compat.dependency_relationships set metadata = '{}'",
    "create table triaged_compat.mine ()",
    "truncate triaged.live_tasks",
    "insert into triaged.final_tasks (task_type) values ('noop')",
    "update triaged.final_tasks set priority = 0",
    "delete from triaged.final_tasks",
    "insert into triaged.task_history (task_id) values (1)",
    "update triaged.task_history set error = null",
    "delete from triaged.task_history",
    "delete from triaged.task_history_default",
    "update triaged.final_tasks_default set priority = 0",
    "truncate triaged.task_history",
    "update triaged.workers set ended_at = null",
    "update triaged.queues set paused_at = null",
    "update triaged.queue_settings set value = '1'",
    "insert into triaged.queue_settings (name, value) values ('task_retention_days', '1')",
    "delete from triaged.dedupe_keys",
    "insert into triaged.repositories (repo_name) values ('a/b')",
    "delete from triaged.dependency_relationships",
    "update triaged.triage_results_cache set hit_count = 0",
    "delete from triaged.verdict_fillers",
    "update triaged.schedule_runs set run_count = 0",
    "update triaged.effects set status = 'pending'",
    "insert into triaged.push_configs (task_id, url) values (1, 'x')",
    "insert into triaged.schema_migrations (name, checksum) values ('x', 'y')",
    "drop table triaged.live_tasks",
    "create table triaged.mine ()",
    "alter table triaged.live_tasks disable trigger user",
  ].map((statement) => ({ statement, allowed: NOBODY })),
];

async function allows(db: Client, role: Role, statement: string): Promise<boolean> {
  const [started, failed] = [await seedTask(db, "started"), await seedTask(db, "failed")];
  const text = statement
    .replaceAll(/\bstarted\b/g, started.task_id)
    .replaceAll(/\bfailed\b/g, failed.task_id);
  await db.query("savepoint trial");
  await db.query(`set local role ${role}`);
  try {
    await db.query(text);
    return true;
  } catch (err) {
    expect(err).toMatchObject({ code: "42501" });
    return false;
  } finally {
    await db.query("rollback to savepoint trial");
  }
}

test.for(TRIALS)("$statement is allowed to $allowed", async ({ statement, allowed }, { db }) => {
  const trials = [];
  for (const role of ROLES) {
    trials.push({ role, allowed: await allows(db, role, statement) });
  }

  expect(trials).toEqual(ROLES.map((role) => ({ role, allowed: allowed.includes(role) })));
});

test("each function is for the roles that are meant to call it", async ({ db }) => {
  const rows = await query<{ name: string; role: Role }>(
    db,
    `select proname as name, role
     from pg_proc cross join unnest($1::text[]) as role
     where pronamespace = 'triaged'::regnamespace
       and has_function_privilege(role, pg_proc.oid, 'execute')`,
    [ROLES],
  );
  const callable = (role: Role) =>
    rows
      .filter((row) => row.role === role)
      .map(({ name }) => name)
      .toSorted();

  expect(callable("triaged_readonly")).toEqual(READERS);
  // Whatever moves or drops rows without a guard is missing here.
  expect(callable("triaged_api")).toEqual(API.toSorted());
  expect(callable("triaged_owner")).toEqual(
    [
      ...API,
      "advance_operation",
      "advisory_locks",
      "claim_effect",
      "cleanup_old_tasks",
      "count_depth",
      "create_days_ahead",
      "create_partition",
      "create_partitions",
      "drop_expired_partitions",
      "drop_old_tasks",
      "enqueue_scheduled",
      "expire_effects",
      "expire_audit_logs",
      "record_event",
      "watch_server",
      "expire_operations",
      "record_verify",
      "expire_push_configs",
      "expire_rows",
      "expire_verdicts",
      "expired_partitions",
      "fold_history",
      "gather_digest",
      "import_task",
      "lock_holders",
      "merge_partitions",
      "save_setting",
      "settle_effect",
      "stray_days",
      "summarize_history",
      "tell_history",
    ].toSorted(),
  );
});

test("nobody else may look at the schema, or call a function", async ({ db }) => {
  await db.query("create role triaged_test_stranger nologin");
  await db.query("set local role triaged_test_stranger");

  for (const statement of [
    "select from triaged.tasks",
    "select from triaged.enqueue_task('noop')",
    "select triaged.now()",
  ]) {
    expect(await refusal(db, () => db.query(statement))).toMatchObject({ code: "42501" });
  }
});

test("a role's own task is recorded under its name", async ({ db }) => {
  await db.query(
    `create role triaged_test_producer nologin in role triaged_api;
     set local session authorization triaged_test_producer`,
  );
  await db.query("select triaged.enqueue_task('noop')");

  expect(await query(db, "select actor from triaged.task_history")).toEqual([
    { actor: "triaged_test_producer" },
  ]);
});

test("each function that runs with its owner's rights fixes its search path", async ({ db }) => {
  expect(
    await query(
      db,
      `select proname from pg_proc
       where pronamespace = 'triaged'::regnamespace and prosecdef
         and not coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false)`,
    ),
  ).toEqual([]);
});
