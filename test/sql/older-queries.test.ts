// Goal: the queries that people wrote for the older systems run unchanged.
// Method: run that very text, with the search_path as they set it.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readTask,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

const SEARCH_PATH = "set local search_path to triaged";

const QUERIES = {
  byStatus: "SELECT status, COUNT(*) FROM tasks GROUP BY status;",
  newest:
    "SELECT task_id, task_type, status, created_at FROM tasks ORDER BY created_at DESC LIMIT 10;",
  queued: "SELECT COUNT(*) FROM tasks WHERE status='queued';",
  stuck: `SELECT task_id, worker_id, started_at FROM tasks
 WHERE status = 'started' AND started_at < NOW() - INTERVAL '10 minutes';`,
  byType: `SELECT task_type, COUNT(*) AS count FROM tasks
 WHERE created_at > NOW() - INTERVAL '24 hours' GROUP BY task_type;`,
  average: `SELECT AVG(EXTRACT(EPOCH FROM (ended_at - started_at))) FROM tasks WHERE status = 'finished'
 AND ended_at IS NOT NULL AND created_at > NOW() - INTERVAL '24 hours';`,
  statistics: "SELECT * FROM task_statistics;",
  cleanup: "SELECT cleanup_old_tasks();",
  reset: `UPDATE tasks SET status = 'queued', started_at = NULL, worker_id = NULL
 WHERE status = 'started' AND started_at < NOW() - INTERVAL '10 minutes';`,
};

test("the older queries give their figures", async ({ db }) => {
  const finished = await startTask(db);
  await settle(db, [outcomeOf(finished, "finish")]);
  const queued = await enqueue(db);
  await db.query(SEARCH_PATH);

  expect(new Set(await query(db, QUERIES.byStatus))).toEqual(
    new Set([
      { status: "finished", count: "1" },
      { status: "queued", count: "1" },
    ]),
  );
  expect(new Set((await query(db, QUERIES.newest)).map((row) => row["task_id"]))).toEqual(
    new Set([finished.task_id, queued]),
  );
  expect(await query(db, QUERIES.queued)).toEqual([{ count: "1" }]);
  expect(await query(db, QUERIES.byType)).toEqual([{ task_type: "noop", count: "2" }]);
  expect(Number((await queryOne<{ avg: string }>(db, QUERIES.average)).avg)).toBe(0);
  expect(await query(db, QUERIES.statistics)).toMatchObject([
    { task_type: "noop", status: "finished", count: "1", avg_duration_seconds: 0 },
  ]);
});

test("the older reset finds what is stuck, and nothing else", async ({ db }) => {
  await setClock(db, new Date(Date.now() - 3_600_000).toISOString());
  const stuck = await startTask(db);
  await setClock(db, "");
  const running = await startTask(db);
  await db.query(SEARCH_PATH);

  expect(await query(db, QUERIES.stuck)).toMatchObject([{ task_id: stuck.task_id }]);
  const { rowCount } = await db.query(QUERIES.reset);

  expect(rowCount).toBe(1);
  expect(await query(db, QUERIES.stuck)).toEqual([]);
  expect(await readTask(db, stuck.task_id)).toMatchObject({ status: "queued", worker_id: null });
  expect(await readTask(db, running.task_id)).toMatchObject({ status: "started" });
});

test("the older cleanup leaves live tasks, however old", async ({ db }) => {
  await setClock(db, "2020-01-01T00:00:00Z");
  const taskIds = [(await startTask(db)).task_id, await enqueue(db)];
  await setClock(db, "");
  await db.query(SEARCH_PATH);

  await db.query(QUERIES.cleanup);

  expect(await query(db, "select task_id from tasks order by task_id")).toEqual(
    taskIds.map((task_id) => ({ task_id })),
  );
});

test("the questions about minutes and events have their figures", async ({ db }) => {
  await settle(db, [outcomeOf(await startTask(db), "finish")]);
  await db.query(SEARCH_PATH);

  expect(
    await query(
      db,
      `select status, avg(extract(epoch from (ended_at - started_at))/60)::integer as minutes
       from tasks group by status`,
    ),
  ).toEqual([{ status: "finished", minutes: 0 }]);
  expect(
    await query(
      db,
      `select event, count(*) from task_history
       where at > now() - interval '1 hour' group by event order by event`,
    ),
  ).toEqual([
    { event: "claim", count: "1" },
    { event: "enqueue", count: "1" },
    { event: "finish", count: "1" },
  ]);
});
