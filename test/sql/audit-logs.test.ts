// Goal: what happens that is no task is one row each, in the transaction of its effect, which
// nobody changes; it is kept as its severity says, has no secret in it, and fills no disk.

import type { Client } from "pg";
import { expect } from "vitest";
import { type AuditFilter, listAuditLogs } from "../../src/database/audit.ts";
import { inSchema } from "../../src/database/database.ts";
import { AUDIT_EVENTS, AUDIT_SEVERITIES } from "../../src/model/audit.ts";
import { OPERATION_ACTIONS } from "../../src/model/operation.ts";
import { test } from "../support/connections.ts";
import { currentRole, query, queryOne, refusal, setClock } from "../support/tasks.ts";

const MIGRATION = "migration.applied";

async function readAudit(db: Client) {
  return await query(
    db,
    `select event_type, severity, actor, operation_id, count, details from triaged.audit_logs
     where event_type <> $1 order by audit_id`,
    [MIGRATION],
  );
}

async function write(db: Client, type: string, details: unknown = {}): Promise<void> {
  await db.query("select triaged.record_audit($1, $2::jsonb)", [type, JSON.stringify(details)]);
}

test("the events of the code are those of the database, each with a severity", async ({ db }) => {
  const { severities } = await queryOne<{ severities: (string | null)[] }>(
    db,
    "select array(select triaged.audit_severity(name) from unnest($1::text[]) as each (name)) as severities",
    [AUDIT_EVENTS],
  );
  const { known } = await queryOne<{ known: string }>(
    db,
    "select pg_get_functiondef('triaged.audit_severity(text)'::regprocedure) as known",
  );

  expect(severities.filter((one) => !AUDIT_SEVERITIES.some((word) => word === one))).toEqual([]);
  expect(new Set(severities)).toEqual(new Set(AUDIT_SEVERITIES));
  expect([...known.matchAll(/when '([a-z_.]+)'/g)].map(([, name]) => name)).toEqual(AUDIT_EVENTS);
});

test.for([
  ["pause_queue", "queue.paused", "warning", "queue"],
  ["pause_task_type", "task_type.paused", "warning", "task_type"],
  ["pause_schedule", "schedule.paused", "warning", "schedule"],
] as const)(
  "%s is one row that names its operation, and so is its end",
  async ([verb, type, severity, of], { db }) => {
    await db.query("select set_config('triaged.actor', 'ann', true)");

    await db.query(`select triaged.${verb}('x')`);
    await db.query(`select triaged.${verb}('x')`);
    await db.query(`select triaged.${verb.replace("pause", "resume")}('x')`);

    const operations = await query<{ id: string }>(
      db,
      "select operation_id as id from triaged.operations order by operation_id",
    );
    expect(await readAudit(db)).toEqual([
      {
        event_type: type,
        severity,
        actor: "ann",
        operation_id: operations[0]?.id,
        count: 1,
        details: { [of]: "x" },
      },
      {
        event_type: type.replace("paused", "resumed"),
        severity: "info",
        actor: "ann",
        operation_id: operations[1]?.id,
        count: 1,
        details: { [of]: "x" },
      },
    ]);
  },
);

test("an effect that was rolled back is not in the log", async ({ db }) => {
  await db.query("savepoint before");
  await db.query("select triaged.pause_queue('x')");
  await db.query("rollback to savepoint before");

  expect(await readAudit(db)).toEqual([]);
});

test("actions on tasks, effects and triage are no rows of the audit log", async ({ db }) => {
  const { events } = await queryOne<{ events: string[] }>(
    db,
    "select array(select name from unnest($1::text[]) as each (name) where triaged.audit_event_of(name) is not null) as events",
    [OPERATION_ACTIONS],
  );

  expect(events.toSorted()).toEqual([
    "pause_queue",
    "pause_schedule",
    "pause_task_type",
    "resume_queue",
    "resume_schedule",
    "resume_task_type",
  ]);
});

test("a setting of the queue is one row, by its verb, by hand and by an environment", async ({
  db,
}) => {
  await db.query("select triaged.save_setting('task_retention_days', '8', true)");
  await db.query("select triaged.save_setting('task_retention_days', '9')");
  await db.query(
    "update triaged.queue_settings set value = '10' where name = 'task_retention_days'",
  );

  const rows = await readAudit(db);
  expect(
    rows.map(({ event_type, severity, details }) => ({ event_type, severity, details })),
  ).toEqual(
    [
      ["7", "8"],
      ["8", "9"],
      ["9", "10"],
    ].map(([previous, value]) => ({
      event_type: "setting.changed",
      severity: "warning",
      details: { setting: "task_retention_days", value, previous },
    })),
  );
});

test.for(["triaged_owner", "triaged_api", "triaged_readonly"])(
  "%s reads the log, and cannot write, change or delete a row by hand",
  async (role, { db }) => {
    await write(db, "queue.paused");
    await db.query(`set local role ${role}`);

    expect(await readAudit(db)).toHaveLength(1);
    for (const statement of [
      "insert into triaged.audit_logs (occurred_at, event_type, severity, actor, login, details) values (now(), 'x.y', 'info', 'a', 'a', '{}')",
      "update triaged.audit_logs set actor = 'x'",
      "delete from triaged.audit_logs",
      "truncate triaged.audit_logs",
      "select triaged.record_audit('queue.paused')",
    ]) {
      expect(await refusal(db, () => db.query(statement))).toMatchObject({
        code: "42501",
      });
    }
  },
);

test("the owner of the tables cannot change a row, or delete one that is critical", async ({
  db,
}) => {
  await write(db, "reset.performed");
  await write(db, "queue.resumed");

  for (const statement of [
    "update triaged.audit_logs set actor = 'x'",
    "delete from triaged.audit_logs",
    "truncate triaged.audit_logs",
  ]) {
    expect(await refusal(db, () => db.query(statement))).toMatchObject({
      code: "TR002",
    });
  }
  await db.query("select triaged.note_event('expire')");
  expect(
    await refusal(db, () => db.query("delete from triaged.audit_logs where severity = 'critical'")),
  ).toMatchObject({ code: "TR002" });
});

test.for([
  { role: "triaged_api", allowed: ["record_sign_ins('[]')", "record_start('jobs', 'h', '{}')"] },
  {
    role: "triaged_owner",
    allowed: [
      "record_sign_ins('[]')",
      "record_start('jobs', 'h', '{}')",
      "record_event('backup.made')",
      "watch_server()",
      "expire_audit_logs()",
    ],
  },
  { role: "triaged_readonly", allowed: [] },
])("$role may write what it is there for", async ({ role, allowed }, { db }) => {
  const calls = [
    "record_sign_ins('[]')",
    "record_start('jobs', 'h', '{}')",
    "record_event('backup.made')",
    "watch_server()",
    "expire_audit_logs()",
  ];
  await db.query(`set local role ${role}`);

  for (const call of calls) {
    const trying = () => db.query(`select triaged.${call}`);
    if (allowed.includes(call)) await trying();
    else expect(await refusal(db, trying)).toMatchObject({ code: "42501" });
  }
  const looking = () => db.query("select from triaged.audit_known");
  if (role === "triaged_owner") await looking();
  else expect(await refusal(db, looking)).toMatchObject({ code: "42501" });
});

test("an event that nobody knows is refused, and so is one that is not the command's", async ({
  db,
}) => {
  expect(await refusal(db, () => write(db, "moon.rose"))).toMatchObject({ code: "22023" });
  expect(
    await refusal(db, () => db.query("select triaged.record_event('key.created')")),
  ).toMatchObject({ code: "22023" });
});

test("debug and info go after 90 days, warnings and errors by the setting, critical rows never", async ({
  db,
}) => {
  const types = [
    "audit.expired",
    "backup.made",
    "queue.paused",
    "backup.failed",
    "restore.performed",
  ];
  await setClock(db, "2026-01-01 12:00Z");
  for (const type of types) await write(db, type);
  const left = async (now: string) => {
    await setClock(db, now);
    await db.query("select triaged.expire_audit_logs(1)");
    await db.query("select triaged.expire_audit_logs(100)");
    const rows = await query<{ event_type: string }>(
      db,
      "select event_type from triaged.audit_logs where event_type = any ($1) and occurred_at = '2026-01-01 12:00Z' order by audit_id",
      [types],
    );
    return rows.map(({ event_type }) => event_type);
  };

  expect(await left("2026-04-01 11:59Z")).toEqual(types);
  expect(await left("2026-04-01 12:01Z")).toEqual(types.slice(2));
  await db.query("select triaged.save_setting('audit_retention_days', '0')");
  expect(await left("2027-06-01Z")).toEqual(types.slice(2));
  await db.query("select triaged.save_setting('audit_retention_days', '400')");
  expect(await left("2027-06-01Z")).toEqual(["restore.performed"]);
});

test("one round of retention deletes at most so many rows, and says so in the log", async ({
  db,
}) => {
  await setClock(db, "2020-01-01Z");
  for (let at = 0; at < 3; at += 1) await write(db, "queue.resumed");
  await setClock(db, "2021-01-01Z");

  const { deleted } = await queryOne(db, "select triaged.expire_audit_logs(2) as deleted");

  expect(deleted).toBe(2);
  expect((await readAudit(db)).at(-1)).toMatchObject({
    event_type: "audit.expired",
    severity: "debug",
    details: { rows: 2 },
  });
});

test("values of secrets are covered at any depth, and logins in addresses", async ({ db }) => {
  await write(db, "backup.failed", {
    error: "cannot reach postgres://ann:hunter2@db/x",
    nested: [{ api_key: "hunter2", "X-Authorization": { inner: "hunter2" }, tokens: 3 }],
    WEBHOOK_URL: "https://example.org/hunter2",
    fine: "kept",
  });

  const [row] = await readAudit(db);
  expect(JSON.stringify(row)).not.toContain("hunter2");
  expect(row?.["details"]).toMatchObject({
    fine: "kept",
    nested: [{ tokens: 3, api_key: "****" }],
  });
});

test("details that are too long are cut, and deep ones end", async ({ db }) => {
  await write(db, "backup.failed", { error: "x".repeat(1_000_000) });
  await write(db, "backup.failed", JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`));

  const sizes = await query<{ bytes: number }>(
    db,
    "select octet_length(details::text) as bytes from triaged.audit_logs where event_type = 'backup.failed'",
  );
  expect(sizes).toHaveLength(2);
  for (const { bytes } of sizes) expect(bytes).toBeLessThan(16_384);
});

test("of failed sign-ins 30 rows a minute and 200 an hour are written, each with its count", async ({
  db,
}) => {
  const attempt = {
    outcome: "failed",
    source: "10.0.0.1",
    door: "GET /x",
    reason: "unknown_key",
    count: 7,
  };
  const send = async () =>
    (
      await queryOne<{ written: number }>(
        db,
        "select triaged.record_sign_ins($1::jsonb) as written",
        [JSON.stringify(Array.from({ length: 40 }, () => attempt))],
      )
    ).written;

  await setClock(db, "2026-01-01 12:00Z");
  expect([await send(), await send()]).toEqual([30, 0]);
  let written = 30;
  for (let minute = 1; minute < 20; minute += 1) {
    await setClock(db, `2026-01-01 12:${String(minute).padStart(2, "0")}:01Z`);
    written += await send();
  }
  expect(written).toBe(200);
  expect((await readAudit(db))[0]).toMatchObject({
    event_type: "signin.failed",
    count: 7,
    details: { source: "10.0.0.1", door: "GET /x", reason: "unknown_key" },
  });
});

test("the list is filtered, graver than asked for as well, and read page by page", async ({
  db,
}) => {
  for (const type of ["queue.resumed", "queue.paused", "backup.failed", "reset.performed"])
    await write(db, type);
  await db.query("select set_config('triaged.actor', 'ann', true)");
  await write(db, "queue.paused");
  const list = async (filter: Partial<AuditFilter>) =>
    await listAuditLogs(inSchema(db), { limit: 100, ...filter });
  const typesOf = async (filter: Partial<AuditFilter>) =>
    (await list(filter)).map(({ event_type }) => event_type).filter((type) => type !== MIGRATION);

  expect(await typesOf({})).toEqual([
    "queue.paused",
    "reset.performed",
    "backup.failed",
    "queue.paused",
    "queue.resumed",
  ]);
  expect(await typesOf({ severity: "error" })).toEqual(["reset.performed", "backup.failed"]);
  expect(await typesOf({ eventType: "queue.paused", actor: await currentRole(db) })).toEqual([
    "queue.paused",
  ]);
  expect(await typesOf({ actor: "ann" })).toEqual(["queue.paused"]);
  expect(await typesOf({ since: new Date(Date.now() + 3_600_000) })).toEqual([]);
  const [first, second] = await list({ limit: 2 });
  expect(await typesOf({ after: second?.audit_id, severity: "warning" })).toEqual([
    "backup.failed",
    "queue.paused",
  ]);
  expect(Number(first?.audit_id)).toBeGreaterThan(Number(second?.audit_id));
});

test("migrations are in the log, those before it as well", async ({ db }) => {
  const { missing } = await queryOne(
    db,
    `select array(
       select name from triaged.schema_migrations
       where name not in (
         select details ->> 'migration' from triaged.audit_logs where event_type = $1
       )
     ) as missing`,
    [MIGRATION],
  );

  expect(missing).toEqual([]);
});
