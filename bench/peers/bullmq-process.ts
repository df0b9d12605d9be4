/** One process of BullMQ, on Redis or on PostgreSQL as the URL says: as PEER_ORDER says. */
import { createPostgresBackend, isPgPool, type PgPool, Queue, runMigrations, Worker } from "bullmq";
import { Pool } from "pg";
import { produce } from "../frame/produce.ts";
import { countCall } from "../frame/report.ts";
import { batchesOf, Noop, readOrder } from "./order.ts";

const QUEUE = "noop";
const FILL_SIZE = 1_000;

const { order, url } = readOrder();
const isRedis = url.startsWith("redis:");
const poolSize = order.do === "work" ? order.fetchers : order.do === "produce" ? order.clients : 1;
// In native ESM it takes a pool, whose search_path the caller sets, and one more connection of it
// to listen: https://docs.bullmq.io/guide/postgresql
const pool = isRedis ? null : openPool(poolSize + 1);

function openPool(max: number): PgPool {
  const settings = { connectionString: url, max, options: "-c search_path=bullmq" };
  // BullMQ has a type of its own for it, which pg's does not fit.
  const made: unknown = new Pool(settings);
  if (!isPgPool(made)) {
    throw new Error("expected BullMQ to take a pool of pg, it does not");
  }
  return made;
}

/** What is used of a queue, whatever its backend. */
type Inserter = {
  readonly add: (name: string, data: unknown) => Promise<unknown>;
  readonly addBulk: (jobs: { name: string; data: unknown }[]) => Promise<unknown>;
  readonly waitUntilReady: () => Promise<unknown>;
  readonly close: () => Promise<void>;
};

/** On Redis each queue object has a connection; on PostgreSQL all share the pool. */
function openQueue(): Inserter {
  return pool === null
    ? new Queue(QUEUE, { connection: { url } })
    : new Queue(QUEUE, { connection: pool }, createPostgresBackend);
}

async function withQueues(
  count: number,
  use: (queues: Inserter[]) => Promise<void>,
): Promise<void> {
  const queues = Array.from({ length: count }, openQueue);
  await Promise.all(queues.map((queue) => queue.waitUntilReady()));
  await use(queues);
  await Promise.all(queues.map((queue) => queue.close()));
}

function run({ data }: { data: unknown }): Promise<void> {
  countCall(Noop.parse(data).of);
  return Promise.resolve();
}

const jobs = (count: number, of: number) =>
  Array.from({ length: count }, () => ({ name: QUEUE, data: { of } }));

switch (order.do) {
  case "install":
    if (pool !== null) {
      const client = await pool.connect();
      await runMigrations(client);
      client.release();
    }
    break;
  case "fill":
    await withQueues(1, async ([queue]) => {
      for (const size of batchesOf(order.count, FILL_SIZE)) {
        await queue?.addBulk(jobs(size, order.count));
      }
    });
    break;
  case "produce":
    await withQueues(pool === null ? order.clients : 1, async (queues) => {
      await produce(order, async (client, size) => {
        const queue = queues[client % queues.length];
        await (order.batch === 1
          ? queue?.add(QUEUE, { of: order.count })
          : queue?.addBulk(jobs(size, order.count)));
      });
    });
    break;
  case "work": {
    // "Let retention do its work. Use removeOnComplete": https://docs.bullmq.io/guide/postgresql
    const settings = { concurrency: order.fetchers, removeOnComplete: { count: 0 } };
    const worker =
      pool === null
        ? new Worker(QUEUE, run, { ...settings, connection: { url } })
        : new Worker(QUEUE, run, { ...settings, connection: pool }, createPostgresBackend);
    worker.on("error", (err) => process.stderr.write(`${String(err)}\n`));
    break;
  }
}
if (order.do !== "work") {
  await pool?.end();
}
