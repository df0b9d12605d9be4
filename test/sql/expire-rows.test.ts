import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call, enqueue, query, setClock, startWorker } from "../support/tasks.ts";

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

  expect(await call(db, "expire_rows")).toMatchObject([{ triage_results: 1 }]);

  expect(await query(db, "select cache_key from triaged.triage_results_cache")).toEqual([
    { cache_key: "later" },
  ]);
});

test("workers that ended long ago are forgotten, the living never", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const ended = await startWorker(db, { name: "ended" });
  await db.query("select triaged.end_worker($1)", [ended]);
  await startWorker(db, { name: "alive" });

  await setClock(db, "2026-04-01T00:00:00Z");
  expect(await call(db, "expire_rows", { worker_days: 90 })).toMatchObject([{ workers: 0 }]);
  expect(await call(db, "expire_rows", { worker_days: 0 })).toMatchObject([{ workers: 0 }]);

  await setClock(db, "2026-04-01T00:00:00.001Z");
  expect(await call(db, "expire_rows", { worker_days: 90 })).toMatchObject([{ workers: 1 }]);
  expect(await query(db, "select name from triaged.workers")).toEqual([{ name: "alive" }]);
});

test("a pass takes no more rows of a kind than its limit", async ({ db }) => {
  for (const key of ["a", "b", "c"]) {
    await db.query("select triaged.cancel_task($1)", [await enqueue(db, { dedupe_key: key })]);
    await db.query(CACHED, [key, "2026-01-01T00:00:00Z"]);
  }

  expect(await call(db, "expire_rows", { max_rows: 2 })).toEqual([
    { dedupe_keys: 2, triage_results: 2, workers: 0 },
  ]);
  expect(await call(db, "expire_rows", { max_rows: 2 })).toEqual([
    { dedupe_keys: 1, triage_results: 1, workers: 0 },
  ]);
});
