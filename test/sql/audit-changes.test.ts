// Goal: the audit log tells what changed between two looks: settings and keys of processes,
// members of roles, the timeline of the server; once, and so often at most.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { query, queryOne, setClock } from "../support/tasks.ts";

const MIGRATION = "migration.applied";

async function readAudit(db: Client) {
  return await query(
    db,
    `select event_type, severity, actor, operation_id, count, details from triaged.audit_logs
     where event_type <> $1 order by audit_id`,
    [MIGRATION],
  );
}

async function start(db: Client, settings: unknown, keys: unknown = null, host = "h1") {
  const { written } = await queryOne<{ written: number }>(
    db,
    "select triaged.record_start('gateway', $1, $2::jsonb, $3::jsonb) as written",
    [host, JSON.stringify(settings), keys === null ? null : JSON.stringify(keys)],
  );
  return written;
}

const keyOf = (name: string, mark: string, rest = {}) => ({
  name,
  role: "read",
  requests_per_minute: null,
  mark,
  ...rest,
});

test("a start tells which settings and limits differ from the last one of its kind, once", async ({
  db,
}) => {
  const first = { LOG_LEVEL: "info", CONCURRENCY: "10", GITHUB_TOKEN: "hunter2" };
  expect(await start(db, first)).toBe(0);
  expect(await start(db, first, null, "another host")).toBe(0);
  expect(await start(db, { LOG_LEVEL: "debug", CONCURRENCY: "20" })).toBe(2);
  expect(await start(db, { LOG_LEVEL: "debug", CONCURRENCY: "20" })).toBe(0);

  const rows = await readAudit(db);
  expect(rows.map(({ event_type, details }) => ({ event_type, details }))).toEqual([
    {
      event_type: "limit.changed",
      details: {
        process: "gateway",
        host: "h1",
        changed: [{ name: "CONCURRENCY", value: "20", previous: "10" }],
      },
    },
    {
      event_type: "setting.changed",
      details: {
        process: "gateway",
        host: "h1",
        changed: [
          { name: "GITHUB_TOKEN", value: null, previous: "****" },
          { name: "LOG_LEVEL", value: "debug", previous: "info" },
        ],
      },
    },
  ]);
  const { known } = await queryOne(
    db,
    "select string_agg(known::text, '') as known from triaged.audit_known",
  );
  expect(known).not.toContain("hunter2");
});

test("keys that came, went, are others or have other limits are a row each", async ({ db }) => {
  await start(db, {}, [
    keyOf("ann", "aaaaaaaa"),
    keyOf("bob", "b"),
    keyOf("ci", "c"),
    keyOf("dot", "d"),
  ]);
  const written = await start(db, {}, [
    keyOf("ann", "11111111"),
    keyOf("ci", "c", { requests_per_minute: 5 }),
    keyOf("dot", "d", { role: "admin" }),
    keyOf("eve", "e"),
  ]);

  expect(written).toBe(5);
  const rows = await readAudit(db);
  expect(rows.map(({ event_type, details }) => [event_type, details])).toEqual([
    ["key.changed", { name: "ann", role: "read", is_another_one: true }],
    ["key.revoked", { name: "bob", role: "read" }],
    ["limit.changed", { name: "ci", role: "read", requests_per_minute: "5" }],
    ["key.changed", { name: "dot", role: "admin", previous_role: "read" }],
    ["key.created", { name: "eve", role: "read" }],
  ]);
});

test("a process that starts with other settings all the time is told of 30 times a minute", async ({
  db,
}) => {
  await setClock(db, "2026-01-01 12:00Z");
  for (let at = 0; at < 40; at += 1) await start(db, { LOG_LEVEL: String(at) });

  expect(await readAudit(db)).toHaveLength(30);
  await setClock(db, "2026-01-01 12:02Z");
  expect(await start(db, { LOG_LEVEL: "last" })).toBe(1);
  expect((await readAudit(db)).at(-1)?.["details"]).toMatchObject({
    changed: [{ previous: "30" }],
  });
});

test("a role that is granted, and one that is revoked, is a row each", async ({ db }) => {
  await db.query("create role audit_test_member nologin");
  await db.query("select triaged.watch_server()");
  await db.query("grant triaged_api to audit_test_member");
  await db.query("select triaged.watch_server()");
  await db.query("select triaged.watch_server()");
  await db.query("revoke triaged_api from audit_test_member");
  await db.query("select triaged.watch_server()");

  const details = { role: "triaged_api", member: "audit_test_member" };
  const rows = await readAudit(db);
  expect(rows.map((row) => [row["event_type"], row["details"]])).toEqual([
    ["role.granted", details],
    ["role.revoked", details],
  ]);
});

test("another timeline of the server is critical", async ({ db }) => {
  await db.query("select triaged.watch_server()");
  await db.query(`update triaged.audit_known set known = '"000000FF"' where subject = 'server'`);
  await db.query("select triaged.watch_server()");

  expect(await readAudit(db)).toMatchObject([
    {
      event_type: "server.timeline_changed",
      severity: "critical",
      details: { previous: "000000FF" },
    },
  ]);
});

test("a migration that mends is in the log, and so is one that fails", async ({
  url,
  client,
  connect,
}) => {
  const connection = { connectionString: url };
  const events = async () =>
    (await readAudit(client)).map(({ event_type: type, severity, details }) => ({
      type,
      severity,
      details,
    }));
  const drop = "drop trigger live_tasks_refuse_delete on triaged.live_tasks";

  await client.query(drop);
  await migrate(connection);
  expect(await events()).toEqual([
    {
      type: "migration.mended",
      severity: "warning",
      details: { restored: [expect.stringContaining("live_tasks_refuse_delete")] },
    },
  ]);

  await client.query(drop);
  const other = await connect();
  await other.query("begin");
  await other.query("lock table triaged.live_tasks in row exclusive mode");
  await expect(migrate(connection, { lockRetries: 0 })).rejects.toThrow("is locked by pid");
  expect((await events()).at(-1)).toMatchObject({
    type: "migration.failed",
    severity: "error",
    details: { error: expect.stringContaining("a table of the queue is locked") },
  });
});
