// Goal: what BullMQ holds is here after `triaged import`, once, as it was, and Redis as before.
// Method: a real Redis that BullMQ's own client has filled.

import { FlowProducer, type Job, Queue, UnrecoverableError, Worker } from "bullmq";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { parseCrontab } from "../../src/jobs/crontab.ts";
import { test as base } from "../support/connections.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import { importInto, runMain } from "../support/run-main.ts";
import { query } from "../support/tasks.ts";

type Store = {
  readonly url: string;
  readonly redis: Redis;
  readonly queue: (name: string, prefix?: string) => Queue;
  readonly work: (name: string, run: (job: Job) => Promise<unknown>) => Promise<Worker>;
};

const extended = base.extend<{ server: { url: string }; store: Store }>({
  server: [
    async ({}, use) => {
      const { url, stop } = await startRedis();
      await use({ url });
      await stop();
    },
    { scope: "file" },
  ],
  /** Empty at first. */
  store: async ({ server }, use) => {
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    await redis.flushall();
    const opened: { close: () => Promise<unknown> }[] = [];
    const keep = <Kept extends { close: () => Promise<unknown> }>(each: Kept): Kept => {
      opened.push(each);
      return each;
    };
    await use({
      url: server.url,
      redis,
      queue: (name, prefix = "bull") => keep(new Queue(name, { connection: redis, prefix })),
      work: async (name, run) => {
        const worker = keep(new Worker(name, run, { connection: redis }));
        await worker.waitUntilReady();
        return worker;
      },
    });
    for (const each of opened.toReversed()) await each.close();
    redis.disconnect();
  },
});

const test = hasRedis ? extended : extended.skip;

/** Every key with its value, as Redis would copy it. */
async function contentsOf(redis: Redis): Promise<Readonly<Record<string, string>>> {
  const keys = (await redis.keys("*")).toSorted();
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return Object.fromEntries(keys.map((key, at) => [key, values[at]?.toString("hex") ?? ""]));
}

test("jobs of BullMQ come over in their states, with keys, priorities, attempts, times and results", async ({
  url,
  client,
  store,
}) => {
  const mail = store.queue("mail");
  const now = Date.now();
  const ended = Promise.withResolvers<void>();
  let runs = 0;
  const worker = await store.work("mail", (job) => {
    runs += 1;
    if (runs === 2) setTimeout(ended.resolve, 0);
    return job.name === "bad"
      ? Promise.reject(new UnrecoverableError("no luck"))
      : Promise.resolve({ sent: 1 });
  });
  await mail.add("send", { to: "done" }, { jobId: "order-1", attempts: 4 });
  await mail.add("bad", { to: "failed" }, { jobId: "order-2" });
  await ended.promise;
  await worker.close();
  await mail.add(
    "send",
    { to: "waits" },
    { attempts: 5, backoff: { type: "exponential", delay: 9 } },
  );
  await mail.add("send", { to: "second" }, { priority: 7 });
  await mail.add("send", { to: "first" }, { priority: 2 });
  await mail.add("send", { to: "later" }, { delay: Date.UTC(2099, 0, 1) - now, timestamp: now });
  await mail.add("__default__", [1], { jobId: "list" });
  await store.redis.hset("bull:mail:list", "data", '{"n": 12345678901234567890}');
  const before = await contentsOf(store.redis);

  const first = await importInto(url, store.url);
  const again = await importInto(url, store.url);

  expect(first).toMatchObject({ code: 0, report: { read: 7, created: 7, refused: 0, left: {} } });
  expect(again.report).toMatchObject({ created: 0, duplicates: 7 });
  expect(await contentsOf(store.redis)).toEqual(before);
  const rows = await query(
    client,
    `select given_id, task_type, queue, status, priority, payload::text, run_at, max_attempts,
         attempt_count, result, error, metadata -> 'imported' as imported
       from triaged.tasks order by task_id`,
  );
  expect(rows).toMatchObject([
    {
      given_id: expect.stringMatching(/^bullmq:mail:\d+$/),
      priority: 2,
      payload: '{"to": "waits"}',
      max_attempts: 5,
      imported: { opts: { backoff: { type: "exponential", delay: 9 } } },
    },
    { given_id: "list", task_type: "mail", payload: '{"n": 12345678901234567890}' },
    { payload: '{"to": "first"}', priority: 3, imported: { its_priority: 2 } },
    { payload: '{"to": "second"}', priority: 3, imported: { its_priority: 7 } },
    { payload: '{"to": "later"}', run_at: new Date("2099-01-01T00:00:00Z") },
    {
      given_id: "order-1",
      task_type: "send",
      queue: "mail",
      status: "finished",
      attempt_count: 1,
      max_attempts: 4,
      result: { sent: 1 },
    },
    { given_id: "order-2", task_type: "bad", status: "failed", error: "no luck" },
  ]);
  expect(await runMain(["verify"], { databaseUrl: url })).toMatchObject({ code: 0 });
});

test("an active job of BullMQ stays, and so does one that waits for children; children come with their parents", async ({
  url,
  client,
  store,
}) => {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const worker = await store.work("steps", () => {
    begun.resolve();
    return held.promise;
  });
  await store.queue("steps").add("step", {}, { jobId: "held" });
  await begun.promise;
  const flows = new FlowProducer({ connection: store.redis });
  await flows.add({
    name: "whole",
    queueName: "wholes",
    opts: { jobId: "w" },
    children: [{ name: "part", queueName: "parts", opts: { jobId: "p" } }],
  });
  await flows.close();

  const first = await importInto(url, store.url);

  expect(first.report).toMatchObject({
    read: 3,
    created: 1,
    left: { started: 1, blocked: 1 },
    left_ids: expect.arrayContaining(["held", "w"]),
    parents_unknown: 1,
  });
  expect(
    await query(client, "select metadata #>> '{imported,parent_id}' as parent from triaged.tasks"),
  ).toEqual([{ parent: "w" }]);
  held.resolve();
  await worker.close();
});

test("schedules of BullMQ are lines that the crontab takes, and their next jobs stay", async ({
  url,
  store,
}) => {
  const mail = store.queue("mail");
  await mail.upsertJobScheduler(
    "nightly",
    { pattern: "0 4 * * MON-FRI", tz: "Europe/Berlin" },
    { name: "report", data: { kind: "short" } },
  );
  await mail.upsertJobScheduler("often", { every: 300_000 }, { name: "sweep" });
  await mail.upsertJobScheduler(
    "twice",
    { pattern: "0 30 2 * * *", limit: 9 },
    { name: "sweep", data: [1] },
  );
  await mail.upsertJobScheduler("seconds", { pattern: "*/5 * * * * *" }, { name: "tick" });
  await mail.upsertJobScheduler("odd", { every: 420_000 }, { name: "seventh" });
  await mail.upsertJobScheduler("words", { pattern: "@daily" }, { name: "two words" });

  const { code, report } = await importInto(url, store.url);

  expect(code).toBe(0);
  const note = report.notes.find((each: string) => each.includes("SCHEDULES_FILE:"));
  const lines = note.slice(note.indexOf("\n") + 1);
  expect(parseCrontab(lines).map(({ cron, task }) => [cron, task])).toEqual(
    expect.arrayContaining([
      ["0 4 * * 1-5", { task_type: "report", payload: { kind: "short" }, queue: "mail" }],
      ["*/5 * * * *", { task_type: "sweep", payload: {}, queue: "mail" }],
      ["30 2 * * *", { task_type: "sweep", payload: { value: [1] }, queue: "mail" }],
    ]),
  );
  expect(
    lines
      .split("\n")
      .filter((line: string) => line.startsWith("#"))
      .toSorted(),
  ).toEqual([
    "# odd: no line of cron runs every 420000 ms; schedule it otherwise",
    "# seconds: no line of cron runs */5 * * * * *; schedule it otherwise",
    "# twice: ends after 9 times",
    "# words: no line takes the task type two words; schedule it otherwise",
  ]);
  expect(report.notes).toContainEqual(expect.stringMatching(/^\d jobs wait for the next time/));
});

test("one id in two queues is refused, at once and one after the other, until ids are qualified", async ({
  url,
  client,
  store,
}) => {
  await store.queue("a").add("x", { n: 1 }, { jobId: "same" });
  await store.queue("b").add("x", { n: 1 }, { jobId: "same" });

  const both = await importInto(url, store.url);
  const [one, other] = [
    await importInto(url, store.url, "--queue", "a"),
    await importInto(url, store.url, "--queue", "b"),
  ];
  const qualified = await importInto(url, store.url, "--queue", "b", "--qualify-ids");

  expect(both.report.problems).toEqual(["job same of b: job same of a has its id, same"]);
  expect(one.report).toMatchObject({ created: 1 });
  expect(other.report.problems).toEqual([
    "job same of b: its id, same, is that of a task of bullmq:a",
  ]);
  expect(qualified.report).toMatchObject({ created: 1 });
  expect(await query(client, "select given_id from triaged.tasks order by 1")).toEqual([
    { given_id: "b:same" },
    { given_id: "same" },
  ]);
});

test("a job that moves while it is read is refused, and told in a dry run", async ({
  url,
  store,
}) => {
  const busy = store.queue("busy");
  await busy.add("first", {});
  let added = 0;
  const producer = setInterval(() => void busy.add("more", { n: (added += 1) }), 1);
  try {
    const dry = await importInto(url, store.url, "--dry-run");
    const real = await importInto(url, store.url);

    expect(dry.report.notes).toContainEqual("Jobs moved while they were read, in busy.");
    expect(real).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("jobs of busy moved while they were read"),
    });
  } finally {
    clearInterval(producer);
  }
});

test("a Redis without queues, with others, or that is nowhere, says what to do", async ({
  url,
  store,
}) => {
  const none = await importInto(url, store.url);
  await store.redis.hset("bull:old:meta", "opts", "{}");
  await store.redis.zadd("bull:old:repeat", 1, "report::::0 4 * * *");
  const old = await importInto(url, store.url);
  await store.redis.flushall();
  await store.queue("mail", "app").add("x", {});
  const other = await importInto(url, store.url);
  const right = await importInto(url, store.url, "--prefix", "app");
  const nowhere = await importInto(url, "redis://:secret@127.0.0.1:1");

  expect(none.stderr).toContain("error: no queue of BullMQ with the prefix bull is there\n");
  expect(old.report.notes).toContainEqual(
    expect.stringMatching(/^Repeatable jobs of old are older/),
  );
  expect(other.stderr).toContain("is there, but app:mail; --prefix says");
  expect(right.report).toMatchObject({ created: 1 });
  expect(nowhere).toMatchObject({
    code: 75,
    stderr: expect.stringContaining("cannot read Redis at 127.0.0.1:1: "),
  });
  expect(nowhere.stderr).not.toContain("secret");
});
