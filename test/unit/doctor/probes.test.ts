// What `triaged doctor` makes of facts that a test cannot bring about on a real server: old
// age, a standby, a lossy disk, a replication slot. The rest is in test/cli/doctor*.test.ts.

import { describe, expect, test } from "vitest";
import { judgeJobRuns } from "../../../src/doctor/jobs.ts";
import { judgeSchema } from "../../../src/doctor/schema.ts";
import { judgeArchive, judgeClock, judgeServer } from "../../../src/doctor/server.ts";
import { judgeAutovacuum, judgeDeadRows, judgeHolders } from "../../../src/doctor/vacuum.ts";
import { jobsWith } from "../../../src/jobs/maintenance.ts";

const SERVER = {
  version: "18.4",
  version_number: 180_004,
  is_standby: false,
  may_enqueue: true,
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  track_activities: "on",
  idle_in_transaction_session_timeout: "10min",
  session_replication_role: "origin",
};

const SCHEMA = {
  schema: "triaged",
  serverVersion: 180_004,
  encoding: "UTF8",
  applied: [],
  pending: [],
  unknown: [],
  changed: [],
  repeatablesCurrent: true,
};

const SESSION = {
  kind: "session" as const,
  pid: 7,
  name: "app",
  state: "idle in transaction",
  query: "select 1",
  age_seconds: 3600,
  transactions: 5,
};

const dateOf = (text: string | null) => (text === null ? null : new Date(text));

const ILL = [expect.objectContaining({ advice: expect.stringMatching(/\w/) })];

test("a server in good health has nothing to advise", () => {
  expect(judgeServer(SERVER).filter(({ level }) => level !== "ok")).toEqual([]);
});

test.for([
  [{ last_failed_at: "2026-01-02", last_archived_at: "2026-01-01" }, "error"],
  [{ last_failed_at: "2026-01-02", last_archived_at: null }, "error"],
  [{ last_failed_at: "2026-01-01", last_archived_at: "2026-01-02" }, "ok"],
  [{ last_failed_at: null, last_archived_at: null }, "ok"],
] as const)("an archive with %o is %s", ([times, level]) => {
  const facts = {
    failed_count: 3,
    last_failed_wal: "000000010000000000000007",
    now: new Date("2026-01-03"),
    last_failed_at: dateOf(times.last_failed_at),
    last_archived_at: dateOf(times.last_archived_at),
  };

  expect(judgeArchive({ ...facts, mode: "on" })).toMatchObject([{ subject: "archive", level }]);
  expect(judgeArchive({ ...facts, mode: null })).toEqual([]);
});

test.for([
  [{ fsync: "off" }, "error", "durability"],
  [{ full_page_writes: "off" }, "error", "durability"],
  [{ is_standby: true }, "error", "role"],
  [{ version_number: 190_000 }, "warning", "server"],
] as const)("a server with %o is found, once, with what to do", ([change, level, subject]) => {
  const ill = judgeServer({ ...SERVER, ...change }).filter((finding) => finding.level !== "ok");

  expect(ill).toEqual(ILL);
  expect(ill[0]).toMatchObject({ level, subject });
});

test.for([
  ["old server", { serverVersion: 140_000 }, "error"],
  ["database that is not UTF8", { encoding: "SQL_ASCII" }, "error"],
  ["missing migration", { pending: ["0003-x"] }, "error"],
  ["newer database", { unknown: ["0099-x"] }, "error"],
  ["changed migration", { changed: ["0001-x"] }, "error"],
  ["older functions", { repeatablesCurrent: false }, "warning"],
  ["nothing amiss", {}, "ok"],
] as const)("a schema with %s: %s", ([, change, level]) => {
  expect(judgeSchema({ ...SCHEMA, ...change })).toMatchObject({ level, subject: "schema" });
});

describe("of what holds back vacuum,", () => {
  test("a young session is fine, and shown", () => {
    expect(judgeHolders([{ ...SESSION, age_seconds: 5 }], 0)).toEqual([
      expect.objectContaining({ level: "ok", found: expect.stringContaining("pid 7") }),
    ]);
  });

  test.for([
    ["session", SESSION, "select pg_terminate_backend(7)"],
    [
      "prepared transaction",
      { ...SESSION, kind: "prepared" as const, pid: null, name: "order-1", query: null },
      "rollback prepared 'order-1'",
    ],
    [
      "slot without a standby",
      { ...SESSION, kind: "slot" as const, pid: null, name: "s1", state: "inactive" },
      "pg_drop_replication_slot('s1')",
    ],
  ] as const)("an old %s comes with the statement that ends it", ([, holder, advice]) => {
    expect(judgeHolders([holder, holder], 0)).toEqual(
      [1, 2].map(() =>
        expect.objectContaining({ level: "warning", advice: expect.stringContaining(advice) }),
      ),
    );
  });

  test("sessions that show nothing are told of", () => {
    expect(judgeHolders([], 3)).toMatchObject([
      { level: "warning", found: "not allowed to look: 3 sessions of others show nothing" },
      { level: "ok" },
    ]);
  });

  test("the slot of a standby that lags is old, that of a healthy one is not", () => {
    const slot = { ...SESSION, kind: "slot" as const, state: "active", age_seconds: null };

    expect(judgeHolders([slot], 0)).toMatchObject([{ level: "ok" }]);
    expect(judgeHolders([{ ...slot, transactions: 2_000_000 }], 0)).toMatchObject([
      { level: "warning" },
    ]);
  });
});

test("dead rows count where they are many and more than the living", () => {
  const table = { table_name: "live_tasks", live: 10, dead: 200_000 };

  expect(judgeDeadRows([table])).toMatchObject({ level: "warning" });
  expect(judgeDeadRows([{ ...table, live: 300_000 }])).toMatchObject({ level: "ok" });
  expect(judgeDeadRows([{ ...table, dead: 50_000 }])).toMatchObject({ level: "ok" });
});

test("autovacuum that is off for the server is an error", () => {
  expect(judgeAutovacuum({ autovacuum: "off", track_counts: "on", without: [] })).toMatchObject({
    level: "error",
  });
});

test("a slow answer is no skew", () => {
  expect(judgeClock({ aheadMs: 4_000, unknownMs: 3_500 })).toMatchObject({ level: "ok" });
  expect(judgeClock({ aheadMs: -4_000, unknownMs: 50 })).toMatchObject({
    level: "warning",
    found: "this machine is 4000 ms behind the server",
  });
});

describe("a job", () => {
  const JOBS = jobsWith([]);
  const NOW = new Date("2026-03-01T12:34:56Z");

  test("that a process began to schedule after its time is not late", () => {
    const known = JOBS.map(({ name }) => ({
      name,
      known_since: NOW,
      last_run_at: null,
    }));

    expect(judgeJobRuns({ known, failing: [], now: NOW }, JOBS)).toMatchObject([{ level: "ok" }]);
  });

  test("that is not known at all is late", () => {
    const known = JOBS.slice(1).map(({ name }) => ({
      name,
      known_since: NOW,
      last_run_at: NOW,
    }));

    expect(judgeJobRuns({ known, failing: [], now: NOW }, JOBS)).toMatchObject([
      { level: "warning", found: expect.stringContaining("never ran") },
    ]);
  });
});
