// Goal: lists, pages and figures are read from a standby while that has what it must have, with
// the caller's own changes; all else, and everything while it has not, from the primary.

import type { Pool } from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Database, inSchema } from "../../src/database/database.ts";
import { Replica } from "../../src/database/replica.ts";
import { asRole } from "../../src/database/transaction.ts";
import { QueueReader } from "../../src/metrics/queue-figures.ts";
import { waitFor } from "../support/connections.ts";
import { testDashboard } from "../support/dashboard.ts";
import { migrate, poolOf } from "../support/databases.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { canReplicate, type ReplicatedServers, startReplicated } from "../support/own-servers.ts";

/** Every door whose answer may be from a standby. */
const LISTS = [
  "/api/tasks",
  "/api/tasks?status=queued&type=noop&queue=default&repo=a/b&context=c&parent=1",
  "/api/queues",
  "/api/workers",
  "/api/operations",
  "/api/effects",
  "/api/agent/tasks",
  "/api/agent/tasks/count",
];
const PAGES = [
  "/ui",
  "/ui/tasks",
  "/ui/workers",
  "/ui/workers?state=ended",
  "/ui/operations",
  "/ui/effects",
];
/** Looks that somebody decides by. */
const OF_PRIMARY = ["/api/tasks/1", "/api/tasks/1/history", "/api/tasks/1/why"];
const LAG_MS_MAX = 2_000;
const FROM_STANDBY = "Lists are read from the standby";

const asApp = (url: string) => url.replace("postgres@", "app@");

let servers: ReplicatedServers & AsyncDisposable;
let pools: { pool: Pool; looks: Pool; primary: Pool };
let replica: Replica;
let gateway: TestGateway & AsyncDisposable;

beforeAll(async () => {
  if (!canReplicate) {
    return;
  }
  servers = await startReplicated();
  const { primary, standby } = servers;
  await migrate({ connectionString: primary.url });
  // As little as a gateway needs: not a superuser, who may look at everything.
  await primary.ask("create role app login in role triaged_api, triaged_readonly");
  pools = {
    pool: poolOf(asApp(standby.url), { connectionTimeoutMillis: 2_000 }),
    looks: poolOf(asApp(standby.url), { max: 1 }),
    primary: poolOf(asApp(primary.url), { max: 1 }),
  };
  const logger = pino({ level: "silent" });
  replica = new Replica({ ...pools, schema: "triaged", lagMsMax: LAG_MS_MAX, logger });
  gateway = await startGateway(asApp(primary.url), {
    replica,
    dashboard: testDashboard(primary.url),
  });
}, 60_000);

afterAll(async () => {
  if (canReplicate) {
    await gateway[Symbol.asyncDispose]();
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
    await servers[Symbol.asyncDispose]();
  }
});

beforeEach(async () => {
  if (canReplicate) await until("used");
});

function ofPrimary() {
  return { pool: pools.primary, schema: "triaged", logger: pino({ level: "silent" }) };
}

async function until(state: string): Promise<void> {
  await waitFor(
    async () => {
      await replica.look();
      return replica.status.state === state;
    },
    { deadlineMs: 20_000 },
  );
}

async function readFrom(path: string, headers = {}): Promise<string | null> {
  const { status, headers: got, body } = await gateway.send("GET", path, { headers });
  expect([path, status, status === 200 ? null : body]).toEqual([path, 200, null]);
  return got.get("x-read-from");
}

test.skipIf(!canReplicate)(
  "lists are read from the standby, and say how old they are",
  async () => {
    await gateway.send("POST", "/api/tasks", { json: { task_type: "noop" } });

    for (const list of LISTS) {
      expect([list, await readFrom(list)]).toEqual([list, "replica"]);
    }

    const { headers } = await gateway.send("GET", "/api/tasks");
    expect(Number(headers.get("x-read-lag-ms"))).toBeLessThanOrEqual(LAG_MS_MAX);
    for (const path of OF_PRIMARY) {
      expect([path, await readFrom(path)]).toEqual([path, null]);
    }
    expect(await readFrom("/api/tasks", { "cache-control": "no-cache" })).toBe(
      "primary; reason=asked_for",
    );
  },
);

test.skipIf(!canReplicate)("pages say which server has answered", async () => {
  for (const page of PAGES) {
    const { status, body } = await gateway.send("GET", page);
    expect([page, status]).toEqual([page, 200]);
    expect([page, String(body)]).toEqual([page, expect.stringContaining(FROM_STANDBY)]);
  }
  // Set by whatever gateway took the action.
  const headers = { cookie: "triaged_acted=1" };
  const acted = await gateway.send("GET", "/ui/tasks", { headers });
  expect(String(acted.body)).toContain("Read from the primary: you have just changed something.");
  const attention = await gateway.send("GET", "/ui/attention");
  expect(String(attention.body)).not.toContain(FROM_STANDBY);
});

test.skipIf(!canReplicate)("a producer finds what it has enqueued in its next list", async () => {
  const { standby } = servers;
  for (let round = 0; round < 20; round += 1) {
    const { body } = await gateway.send("POST", "/api/tasks", { json: { task_type: "noop" } });
    const list = await gateway.send("GET", "/api/tasks?limit=1");
    expect(list.body.tasks[0].task_id).toBe(body.task_id);
    expect(list.headers.get("x-read-from")).toBe("replica");
  }
  // Where the standby does not replay, the primary is asked at once, not after the bound.
  await standby.ask("select pg_wal_replay_pause()");
  const { body } = await gateway.send("POST", "/api/tasks", { json: { task_type: "noop" } });
  const list = await gateway.send("GET", "/api/tasks?limit=1");
  await standby.ask("select pg_wal_replay_resume()");

  expect(list.body.tasks[0].task_id).toBe(body.task_id);
  expect(list.headers.get("x-read-from")).toBe("primary; reason=behind");
});

test.skipIf(!canReplicate)("a standby that is too far behind is not read", async () => {
  const { primary, standby } = servers;
  await standby.ask("select pg_wal_replay_pause()");
  await primary.ask("select triaged.enqueue_task('noop', '{}')");

  await until("behind");
  const list = await gateway.send("GET", "/api/tasks?limit=1");
  const page = await gateway.send("GET", "/ui/tasks");
  const ready = await gateway.send("GET", "/ready");
  const { body: metrics } = await gateway.send("GET", "/metrics");
  await standby.ask("select pg_wal_replay_resume()");
  await until("used");

  expect(list.headers.get("x-read-from")).toBe("primary; reason=behind");
  expect(String(page.body)).toContain("Read from the primary: the standby is too far behind.");
  expect(ready).toMatchObject({ status: 200, body: { replica: { state: "behind" } } });
  expect(ready.body.replica.lag_ms).toBeGreaterThan(LAG_MS_MAX);
  expect(metrics).toContain('triaged_replica_state{state="behind"} 1');
  expect(metrics).toMatch(/triaged_replica_reads_total\{by="primary"\} [1-9]/);
  expect(metrics).toMatch(/triaged_replica_lag_seconds [2-9]/);
  expect(await readFrom("/api/tasks")).toBe("replica");
});

test.skipIf(!canReplicate)("a primary at rest makes no standby old", async () => {
  const { primary } = servers;
  const position = () => primary.ask("select pg_current_wal_lsn()::text as at");
  // No checkpoint, no autovacuum: nothing is written in this time.
  await primary.ask("checkpoint");
  await until("used");
  const before = await position();
  const startedMs = performance.now();
  await waitFor(() => performance.now() - startedMs > LAG_MS_MAX * 1.2);
  await replica.look();

  expect(await position()).toEqual(before);
  expect(replica.status).toMatchObject({ state: "used" });
  expect(await readFrom("/api/tasks")).toBe("replica");
});

test.skipIf(!canReplicate)("figures of tasks are those of the standby", async () => {
  const { primary, standby } = servers;
  const reader = new QueueReader({ ...ofPrimary(), replica });
  await standby.ask("select pg_wal_replay_pause()");
  await primary.ask("select triaged.enqueue_task('not_replayed', '{}')");

  const told = await reader.read();
  await standby.ask("select pg_wal_replay_resume()");

  expect(told?.depth.map(({ task_type }) => task_type)).toEqual(["noop"]);
  expect(told?.connections.max_connections).toBe(100);
});

test.skipIf(!canReplicate)(
  "rows that a standby lacks are not counted again when they come",
  async () => {
    const from = { by: "replica", server: "", lagMs: 1 } as const;
    const counts = [10, 12, 11, 0, 13];
    const stale = {
      read: async (_options: unknown, work: (db: Database) => Promise<object>) => {
        const answer = await work(inSchema(pools.primary, "triaged"));
        const since = counts.shift() ?? 0;
        const transitions = since === 0 ? [] : [{ labels: ["claim"], since, kept: since }];
        const totals = {
          kept_from: new Date().toISOString(),
          transitions,
          ended: [],
          failures: [],
        };
        return { answer: { ...answer, totals }, from };
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- As a standby reads, but for counts.
    const reader = new QueueReader({ ...ofPrimary(), replica: stale as unknown as Replica });
    let told = 0;

    for (let reads = counts.length; reads > 0; reads -= 1) {
      const figures = await reader.read();
      told += (figures?.transitions ?? []).reduce((sum, { more }) => sum + more, 0);
    }

    // After the first look: from 10 to 13.
    expect(told).toBe(3);
  },
);

test.skipIf(!canReplicate)(
  "a write without an answer fails, and gives its session up",
  async () => {
    const { standby } = servers;
    await using pool = Object.assign(poolOf(servers.primary.url), {
      [Symbol.asyncDispose]: () => pool.end(),
    });
    // Its commit waits for a standby, and PostgreSQL has no limit for that.
    await standby.stop();
    const options = { role: null, isReadOnly: false, settings: {}, statementMsMax: 100 };

    const writing = asRole(pool, "triaged", options, (db) =>
      db.query({ text: "select triaged.enqueue_task('noop', '{}')" }),
    );

    await expect(writing).rejects.toThrow("timeout");
    expect(pool.totalCount).toBe(0);
    await standby.start();
  },
);

test.skipIf(!canReplicate)(
  "a standby that is away leaves all to the primary, and comes back",
  async () => {
    const { standby } = servers;
    // Nobody has noticed yet: the reads themselves find out.
    await standby.stop();

    expect(await readFrom("/api/tasks")).toBe("primary; reason=failed");
    await until("away");
    expect(await readFrom("/api/tasks")).toBe("primary; reason=away");
    await standby.start();
    await until("used");
    expect(await readFrom("/api/tasks")).toBe("replica");
  },
);

test.skipIf(!canReplicate)("another database of the same standby is not read", async () => {
  await servers.primary.ask("create database other");
  const { primary } = pools;
  await using other = Object.assign(poolOf(servers.standby.url.replace(/postgres$/, "other")), {
    [Symbol.asyncDispose]: () => other.end(),
  });
  const logger = pino({ level: "silent" });
  const wrong = new Replica({
    pool: other,
    looks: other,
    primary,
    schema: "triaged",
    lagMsMax: LAG_MS_MAX,
    logger,
  });

  await waitFor(async () => {
    await wrong.look();
    return wrong.status.server !== null;
  });

  expect(wrong.status.state).toBe("no_standby");
});

test.skipIf(!canReplicate)("the primary is no standby, whatever the URL says", async () => {
  const { primary } = pools;
  const logger = pino({ level: "silent" });
  const wrong = new Replica({
    pool: primary,
    looks: primary,
    primary,
    schema: "triaged",
    lagMsMax: LAG_MS_MAX,
    logger,
  });

  await wrong.look();

  expect(wrong.status.state).toBe("no_standby");
});
