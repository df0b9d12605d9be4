// Goal: /metrics tells what the queue and the gateway do, to whoever may read, and asks the
// database once, however many scrape.

import { expect, vi } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { foldHistory } from "../../src/database/retention.ts";
import { METRICS_LIMITS } from "../../src/metrics/metrics-limits.ts";
import { test } from "../support/connections.ts";
import { keysOf, startGateway, type TestGateway } from "../support/gateway.ts";

async function lines(gateway: TestGateway, key?: string): Promise<string[]> {
  const options = key === undefined ? {} : { key };
  const { status, body } = await gateway.send("GET", "/metrics", options);
  expect(status).toBe(200);
  return String(body).split("\n");
}

const enqueue = async (gateway: TestGateway, json: unknown) =>
  await gateway.send("POST", "/api/tasks", { json });

/** The five seconds of a read are over. */
function passTime(): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now + METRICS_LIMITS.figuresEveryMs + 1);
}

test("depth, age and claimable work are told by queue and type", async ({ url }) => {
  await using gateway = await startGateway(url);
  const later = new Date(Date.now() + 3_600_000).toISOString();
  await enqueue(gateway, [
    { task_type: "mail" },
    { task_type: "mail" },
    { task_type: "mail", run_at: later },
    { task_type: "ring", queue: "night" },
  ]);
  await gateway.send("POST", "/api/queues/night/pause");

  const told = await lines(gateway);

  expect(told).toContain('triaged_queue_tasks{queue="default",task_type="mail",status="queued"} 3');
  expect(told).toContain('triaged_queue_claimable_tasks{queue="default",task_type="mail"} 2');
  expect(told).toContain('triaged_queue_claimable_tasks{queue="night",task_type="ring"} 0');
  expect(told.join("\n")).toMatch(/oldest_due_age_seconds\{queue="night",task_type="ring"\} 0\.\d/);
  expect(told).toContain("triaged_queue_read_success 1");
  expect(told.join("\n")).toMatch(/triaged_database_size_bytes \d{6}/);
  expect(told).toContain('triaged_cached_reads_total{result="hit"} 0');
  expect(told.join("\n")).toMatch(
    /http_request_duration_seconds_count\{method="POST",route="\/api\/tasks",status="201"\} 1/,
  );
  expect(told.join("\n")).toMatch(
    /statement_duration_seconds_count\{statement="enqueue_tasks"\} 1/,
  );
});

test("each event since the process began is counted once, and counts never go back", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  const db = inSchema(gateway.pool);
  const fold = () => foldHistory(db, { rowsMax: 1_000 });
  await enqueue(gateway, { task_type: "before" });
  await fold();
  const enqueues = async () =>
    (await lines(gateway)).find((line) =>
      line.startsWith('triaged_transitions_total{event="enqueue"}'),
    );
  const atFirst = await enqueues();
  await enqueue(gateway, { task_type: "after" });
  await fold();
  passTime();
  const then = await enqueues();
  passTime();
  const later = await enqueues();
  vi.restoreAllMocks();

  expect([atFirst, then, later]).toEqual([
    'triaged_transitions_total{event="enqueue"} 0',
    'triaged_transitions_total{event="enqueue"} 1',
    'triaged_transitions_total{event="enqueue"} 1',
  ]);
});

test("an event that is the first of its kind is told as 0 before it is counted", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  const db = inSchema(gateway.pool);
  const cancels = async () =>
    (await lines(gateway)).find((line) =>
      line.startsWith('triaged_transitions_total{event="cancel"}'),
    );
  const told = [await cancels()];
  const { body } = await enqueue(gateway, { task_type: "mail" });
  await gateway.send("POST", `/api/tasks/${body.task_id}/cancel`);
  await foldHistory(db, { rowsMax: 1_000 });
  passTime();
  told.push(await cancels());
  passTime();
  told.push(await cancels());
  vi.restoreAllMocks();

  expect(told).toEqual([
    undefined,
    'triaged_transitions_total{event="cancel"} 0',
    'triaged_transitions_total{event="cancel"} 1',
  ]);
});

test("however many scrape, the database is asked once in five seconds", async ({ url }) => {
  await using gateway = await startGateway(url);
  const asked = vi.spyOn(gateway.pool, "connect");

  await Promise.all(Array.from({ length: 20 }, () => lines(gateway)));
  await lines(gateway);

  expect(asked).toHaveBeenCalledTimes(1);
});

test("without an answer of the database gauges are absent, and the rest is told", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  await enqueue(gateway, { task_type: "mail" });
  expect((await lines(gateway)).join("\n")).toContain("triaged_queue_tasks{");
  vi.spyOn(gateway.pool, "connect").mockRejectedValue(new Error("gone"));
  passTime();

  const told = await lines(gateway);
  vi.restoreAllMocks();

  expect(told).toContain("triaged_queue_read_success 0");
  expect(
    told.filter((line) => /^triaged_(queue_tasks|workers_alive|database_size)/.test(line)),
  ).toEqual([]);
  expect(told.join("\n")).toContain('triaged_build_info{version="');
});

test("task types without end are one series", async ({ url }) => {
  await using gateway = await startGateway(url);
  const count = METRICS_LIMITS.taskLabels + 20;
  await enqueue(
    gateway,
    Array.from({ length: count }, (_, place) => ({ task_type: `type-${place}` })),
  );

  const told = await lines(gateway);

  expect(told.filter((line) => line.startsWith("triaged_queue_tasks{"))).toHaveLength(
    METRICS_LIMITS.taskLabels + 1,
  );
  expect(told).toContain('triaged_queue_tasks{queue="other",task_type="other",status="queued"} 20');
});

test("a gateway that asks for keys tells metrics to one that may read", async ({ url }) => {
  await using gateway = await startGateway(url, { keys: keysOf(["read"]) });

  expect((await gateway.send("GET", "/metrics")).status).toBe(401);
  expect(await lines(gateway, "key-of-read")).toContain("triaged_queue_read_success 1");
});
