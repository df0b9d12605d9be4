import { installBullmq } from "./contestants/bullmq.ts";
import type { Production } from "./contestants/peer-process.ts";
import { withPeers } from "./contestants/peers.ts";
import { installPgBoss } from "./contestants/pg-boss.ts";
import {
  bullmqProducerOnRedis,
  GRAPHILE,
  type Producer,
  producerOfPeer,
  TRIAGED,
} from "./contestants/producer.ts";
import type { Bench } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { WARM_UP_CALLS } from "./frame/produce.ts";
import { millisecondsBetween } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";

const CLIENTS = 8;
const BATCH = 1_000;
/** Single inserts are so much slower: a part of the tasks takes as long. */
const SINGLE_SHARE = 0.05;

const PG_BOSS = producerOfPeer(
  { name: "pg-boss", install: installPgBoss },
  {
    peer: "pg-boss",
    settings: `send by a pool of ${CLIENTS}, insert by one; no history`,
    table: "pgboss.job",
  },
);
const BULLMQ = producerOfPeer(
  { name: "BullMQ on PostgreSQL", install: installBullmq },
  {
    peer: "bullmq",
    settings: `add by a pool of ${CLIENTS + 1}, addBulk by one; no history`,
    table: "bullmq.job",
  },
);

export const enqueue: Bench = {
  name: "enqueue",
  question: `How many tasks a second do ${CLIENTS} clients enqueue one by one, and one in batches of ${BATCH}?`,
  tasksAre: "tasks in batches, and a twentieth of it one by one; no worker runs",
  sizes: { full: { rounds: 5, tasks: 100_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [columnOf("single", "one by one"), columnOf("bulk", "in batches")],
    rows: await withPeers(stage, async ({ has, redis }) => {
      const producers = [
        TRIAGED,
        GRAPHILE,
        ...(has("pg-boss") ? [PG_BOSS] : []),
        ...(has("bullmq") ? [BULLMQ] : []),
        ...(redis === null ? [] : [bullmqProducerOnRedis(redis)]),
      ];
      return await inRounds(producers, rounds, (producer, round) =>
        measureBoth(producer, { stage, tasks, round }),
      );
    }),
  }),
};

function columnOf(key: "single" | "bulk", title: string) {
  const ratio = { of: key, title: "triaged by this" };
  return { key, title: `${title}, tasks/s`, digits: 0, ratio };
}

async function measureBoth(
  producer: Producer,
  { stage, tasks, round }: { stage: Stage; tasks: number; round: number },
) {
  const perSecond = (production: Production) => rateOf(producer, { stage, production });
  const figures = {
    single: await perSecond({
      count: Math.ceil(tasks * SINGLE_SHARE),
      clients: CLIENTS,
      batch: 1,
    }),
    bulk: await perSecond({ count: tasks, clients: 1, batch: BATCH }),
  };
  const [single, bulk] = [figures.single, figures.bulk].map(Math.round);
  stage.note(`round ${round + 1}: ${producer.name} ${single}/s one by one, ${bulk}/s in batches`);
  return figures;
}

/** From before the first call to the answer to the last one, by the clock of the producer. */
async function rateOf(
  producer: Producer,
  { stage, production }: { stage: Stage; production: Production },
): Promise<number> {
  return await producer.withPlace(stage, async ({ start, count }) => {
    await using child = start(production);
    const seen = timesOf(child);
    await child.ended;
    const expected = production.count + WARM_UP_CALLS * production.clients * production.batch;
    const enqueued = await count();
    if (enqueued !== expected) {
      throw new Error(`expected ${expected} tasks of ${producer.name}, got ${enqueued}`);
    }
    return production.count / (millisecondsBetween(seen.first, seen.last) / 1_000);
  });
}

function timesOf(child: Child) {
  const seen = { first: 0n, last: 0n };
  child.onReport(({ event, at }) => {
    if (event !== "started") {
      seen[event] = BigInt(at);
    }
  });
  return seen;
}
