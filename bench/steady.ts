import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { besideGraphile } from "./contestants/beside-graphile.ts";
import type { SqlContestant } from "./contestants/contestant.ts";
import type { Bench, Row } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { offer, openProducers } from "./frame/offer.ts";
import { postmasterOf, processorSeconds } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import { commitsWhenAlone, walBytes } from "./frame/server-counters.ts";
import type { Stage } from "./frame/stage.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 10;
const RATES = [500, 1_000, 2_000];
const WARM_UP_SECONDS = 1;
const END_MS_MAX = 120_000;
/** The depth jumps between some and none: a mean of so many looks, so far apart. */
const LOOKS = 10;
const LOOK_EVERY_MS = 20;

export const steady: Bench = {
  name: "steady",
  question: "What does a task cost while tasks come at a steady rate?",
  tasksAre: "tasks of a round at 1,000/s; as many seconds at 500/s and 2,000/s",
  sizes: { full: { rounds: 1, tasks: 25_000 }, smoke: { rounds: 1, tasks: 500 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestants = besideGraphile({ concurrency: CONCURRENCY });
    const rows: Row[] = [];
    for (const perSecond of RATES) {
      const count = Math.ceil((tasks * perSecond) / 1_000);
      const group = `${perSecond.toLocaleString("en")}/s`;
      const measured = await inRounds(contestants, rounds, async (contestant, round) => {
        const figures = await stage.withDatabase(contestant, (url) =>
          offerSteadily(contestant, { stage, url, perSecond, count }),
        );
        const { serverSeconds, nodeSeconds, perSecond: enqueued } = figures;
        const spent = `${serverSeconds.toFixed(2)} s of the server, ${nodeSeconds.toFixed(2)} s of Node`;
        stage.note(
          `round ${round + 1}, ${group} (came: ${Math.round(enqueued)}/s): ${contestant.name} ${spent} for 1,000 tasks`,
        );
        return figures;
      });
      rows.push(...measured.map((row) => ({ ...row, group })));
    }
    return { columns: COLUMNS, rows };
  },
};

/** All but the last three: for 1,000 tasks. */
const COLUMNS = [
  column("serverSeconds", "server CPU s per 1,000 tasks", 2),
  column("nodeSeconds", "worker CPU s per 1,000", 2),
  column("commits", "commits per 1,000", 0),
  column("walKilobytes", "WAL kB per 1,000", 0),
  { key: "notifies", title: "notifies per 1,000", digits: 0 },
  { key: "perSecond", title: "enqueued/s", digits: 0 },
  { key: "depthBefore", title: "depth at a tenth", digits: 0 },
  { key: "depthAfter", title: "depth at the end", digits: 0 },
];

function column(key: string, title: string, digits: number) {
  return { key, title, digits, ratio: { of: key, title: "triaged by this" } };
}

type Load = { readonly perSecond: number; readonly count: number };

async function offerSteadily(
  contestant: SqlContestant,
  { stage, url, ...load }: { stage: Stage; url: string } & Load,
) {
  const warmUp = load.perSecond * WARM_UP_SECONDS;
  const all = warmUp + load.count;
  return await withClient(url, async (client) => {
    const commits = await commitsWhenAlone(client);
    await stage.settleDown(client);
    const spent = await spendOn(contestant, { url, client, load, warmUp });
    await contestant.check(client, all);
    return {
      ...spent,
      // Those of the warm-up too: how many were before it is not known in time.
      commits: ((await commitsWhenAlone(client)) - commits) / (all / 1_000),
    };
  });
}

/** From the first task that is offered to the end of the last, for 1,000 of them. */
async function spendOn(
  contestant: SqlContestant,
  { url, client, load, warmUp }: { url: string; client: Client; load: Load; warmUp: number },
) {
  await using worker = contestant.startWaiting(url);
  await using producers = await openProducers(url);
  const all = warmUp + load.count;
  const enqueue = (session: Client) =>
    contestant.enqueueOne(session, { type: "noop", payload: { of: all } });
  const isEmpty = () => contestant.isEmpty(client);
  const toBeEmpty = { limitMs: END_MS_MAX, whileRunning: worker };

  await offer(producers, { ...load, count: warmUp }, enqueue);
  await waitFor(isEmpty, toBeEmpty);
  const notifies = await countNotifies(client, contestant.channels);

  const before = await countersOf(client, worker);
  const [tookMs, depths] = await Promise.all([
    offer(producers, load, enqueue),
    depthsDuring((load.count / load.perSecond) * 1_000, () => contestant.depth(client)),
  ]);
  await waitFor(isEmpty, toBeEmpty);
  const after = await countersOf(client, worker);

  const thousands = load.count / 1_000;
  return {
    ...depths,
    perSecond: load.count / (tookMs / 1_000),
    notifies: notifies() / thousands,
    serverSeconds: (after.server - before.server) / thousands,
    nodeSeconds: (after.node - before.node) / thousands,
    walKilobytes: (after.wal - before.wal) / 1_000 / thousands,
  };
}

async function countersOf(client: Client, worker: Child) {
  return {
    server: processorSeconds(await postmasterOf(client)),
    node: processorSeconds(worker.pid),
    wal: await walBytes(client),
  };
}

/** Tells how many have come since. A session of the bench hears them as a worker's does. */
async function countNotifies(client: Client, channels: readonly string[]): Promise<() => number> {
  let count = 0;
  client.on("notification", () => {
    count += 1;
  });
  for (const channel of channels) {
    await client.query(`listen "${channel}"`);
  }
  return () => count;
}

/** How many tasks there are, after a tenth of the time and shortly before its end. */
async function depthsDuring(durationMs: number, depth: () => Promise<number>) {
  await delay(durationMs * 0.1);
  const from = performance.now();
  const depthBefore = await meanOf(depth);
  await delay(Math.max(0, durationMs * 0.85 - (performance.now() - from) - LOOKS * LOOK_EVERY_MS));
  return { depthBefore, depthAfter: await meanOf(depth) };
}

async function meanOf(depth: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let look = 0; look < LOOKS; look++) {
    sum += await depth();
    await delay(LOOK_EVERY_MS);
  }
  return sum / LOOKS;
}
