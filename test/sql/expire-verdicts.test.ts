import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call, query, setClock } from "../support/tasks.ts";

const CACHED = `insert into triaged.triage_results_cache (
    cache_key, source_repo, target_repo, commit_sha, relationship_type, analyzer_version,
    config_hash, requires_action, urgency, impact_summary, confidence, result_data, created_at,
    expires_at
  )
  values ($1, 'a/b', 'c/d', '1', 'api_consumer', '1', 'x', false, 'low', '', 1, '{}', now(), $2)`;

test("verdicts whose time has come expire", async ({ db }) => {
  await db.query(CACHED, ["due", "2026-01-01T00:00:00Z"]);
  await db.query(CACHED, ["later", "2026-01-01T00:00:01Z"]);
  await setClock(db, "2026-01-01T00:00:00Z");

  expect(await call(db, "expire_verdicts")).toEqual([{ expire_verdicts: 1 }]);

  expect(await query(db, "select cache_key from triaged.triage_results_cache")).toEqual([
    { cache_key: "later" },
  ]);
});

test("a pass takes no more rows than its limit", async ({ db }) => {
  for (const key of ["a", "b", "c"]) {
    await db.query(CACHED, [key, "2026-01-01T00:00:00Z"]);
  }

  expect(await call(db, "expire_verdicts", { max_rows: 2 })).toEqual([{ expire_verdicts: 2 }]);
  expect(await call(db, "expire_verdicts", { max_rows: 2 })).toEqual([{ expire_verdicts: 1 }]);
});

test("cleanup_old_tasks sweeps them too, as in the older system", async ({ db }) => {
  await db.query(CACHED, ["due", "2026-01-01T00:00:00Z"]);

  await db.query("select triaged.cleanup_old_tasks()");

  expect(await query(db, "select cache_key from triaged.triage_results_cache")).toEqual([]);
});
