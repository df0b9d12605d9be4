import { expect, test } from "vitest";
import { diagnose, diagnoseSchema } from "../../src/cli/diagnose.ts";
import type { Facts } from "../../src/postgres/facts-store.ts";

const POOL = { max: 10, acquireTimeoutMs: 1000, recycleMs: 1000 };

/** A queue in good health, with what a test changes. */
function facts(
  changes: {
    server?: Partial<Facts["server"]>;
    queue?: Partial<Facts["queue"]>;
    oldestSnapshot?: Facts["oldestSnapshot"];
  } = {},
): Facts {
  return {
    server: {
      server_version: "18.4",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      autovacuum: "on",
      max_connections: 100,
      reserved_connections: 3,
      connections: 5,
      is_standby: false,
      may_enqueue: true,
      ...changes.server,
    },
    queue: {
      live_tasks: 10,
      dead_tuples: 10,
      workers_alive: 2,
      workers_silent: 0,
      unhandled_types: [],
      paused_queues: [],
      partition_days_ahead: 7,
      default_partition_rows: 0,
      ...changes.queue,
    },
    oldestSnapshot: changes.oldestSnapshot ?? null,
  };
}

const SCHEMA = {
  schema: "triaged",
  serverVersion: 180_004,
  applied: [],
  pending: [],
  unknown: [],
  changed: [],
  repeatablesCurrent: true,
};

/** An hour-old snapshot of a session. */
const HELD = { pid: 7, held_by: "session of app", state: "idle in transaction", age_seconds: 3600 };

test("a healthy queue has nothing to advise", () => {
  for (const finding of [diagnoseSchema(SCHEMA), ...diagnose(facts(), POOL)]) {
    expect(finding).toMatchObject({ level: "ok", advice: null });
  }
});

test.for([
  ["fsync", facts({ server: { fsync: "off" } }), "bad", "durability"],
  ["torn pages", facts({ server: { full_page_writes: "off" } }), "bad", "durability"],
  ["late commits", facts({ server: { synchronous_commit: "off" } }), "warn", "durability"],
  ["no autovacuum", facts({ server: { autovacuum: "off" } }), "bad", "autovacuum"],
  ["a standby", facts({ server: { is_standby: true } }), "bad", "role"],
  ["no right to enqueue", facts({ server: { may_enqueue: false } }), "bad", "rights"],
  ["few connections", facts({ server: { max_connections: 40 } }), "warn", "connections"],
  ["an old snapshot", facts({ oldestSnapshot: HELD }), "warn", "vacuum"],
  [
    "a replication slot",
    facts({ oldestSnapshot: { ...HELD, pid: null, state: null, age_seconds: null } }),
    "warn",
    "vacuum",
  ],
  ["no worker", facts({ queue: { workers_alive: 0 } }), "warn", "workers"],
  ["a silent worker", facts({ queue: { workers_silent: 1 } }), "warn", "workers"],
  ["an unknown type", facts({ queue: { unhandled_types: ["x"] } }), "warn", "handlers"],
  ["a paused queue", facts({ queue: { paused_queues: ["x"] } }), "warn", "queues"],
  ["few partitions", facts({ queue: { partition_days_ahead: 1 } }), "warn", "partitions"],
  ["stray rows", facts({ queue: { default_partition_rows: 1 } }), "warn", "partitions"],
  ["bloat", facts({ queue: { dead_tuples: 200_000 } }), "warn", "bloat"],
] as const)("%s is found, once, with what to do", ([, ill, level, subject]) => {
  const findings = diagnose(ill, POOL).filter((finding) => finding.level !== "ok");

  expect(findings).toEqual([
    { level, subject, found: expect.any(String), advice: expect.stringMatching(/\w/) },
  ]);
});

test("a young snapshot is fine", () => {
  const [vacuum] = diagnose(facts({ oldestSnapshot: { ...HELD, age_seconds: 5 } }), POOL).filter(
    ({ subject }) => subject === "vacuum",
  );

  expect(vacuum).toMatchObject({ level: "ok", found: expect.stringContaining("pid 7") });
});

test.for([
  ["old server", { serverVersion: 140_000 }, "bad"],
  ["missing migration", { pending: ["0003-x"] }, "bad"],
  ["newer database", { unknown: ["0099-x"] }, "bad"],
  ["changed migration", { changed: ["0001-x"] }, "bad"],
  ["older functions", { repeatablesCurrent: false }, "warn"],
] as const)("a schema with an %s is %s", ([, change, level]) => {
  expect(diagnoseSchema({ ...SCHEMA, ...change })).toMatchObject({
    level,
    subject: "schema",
    advice: expect.stringMatching(/\w/),
  });
});
