import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call, enqueue, query, setClock, startWorker } from "../support/tasks.ts";

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
  }

  expect(await call(db, "expire_rows", { max_rows: 2 })).toEqual([{ dedupe_keys: 2, workers: 0 }]);
  expect(await call(db, "expire_rows", { max_rows: 2 })).toEqual([{ dedupe_keys: 1, workers: 0 }]);
});
