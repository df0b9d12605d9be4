import type { Client } from "pg";
import { besideGraphile } from "./contestants/beside-graphile.ts";
import type { SqlContestant } from "./contestants/contestant.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { offer, openProducers } from "./frame/offer.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 10;
const PER_SECOND = 1_000;
/** Tasks before the clock counts. */
const WARM_UP = 1_000;
const START_MS_MAX = 60_000;

export const latencySteady: Bench = {
  name: "latency-steady",
  question: "How long after an enqueue does the handler start, at 1,000 tasks a second?",
  tasksAre: "tasks of a round, offered at 1,000/s",
  sizes: { full: { rounds: 5, tasks: 10_000 }, smoke: { rounds: 1, tasks: 500 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestants = besideGraphile({ concurrency: CONCURRENCY });
    return {
      columns: [
        { key: "p50", title: "p50 ms", digits: 2, ratio: { of: "p50", title: "triaged by this" } },
        { key: "p95", title: "p95 ms", digits: 2 },
        { key: "p99", title: "p99 ms", digits: 2, ratio: { of: "p99", title: "triaged by this" } },
        { key: "enqueueP50", title: "enqueue answered, p50 ms", digits: 2 },
        { key: "perSecond", title: "enqueued/s", digits: 0 },
      ],
      rows: await inRounds(contestants, rounds, async (contestant, round) => {
        const figures = await stage.withDatabase(contestant, (url) =>
          withClient(url, (client) => underLoad(contestant, { stage, url, client, tasks })),
        );
        const told = `p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms`;
        stage.note(`round ${round + 1}: ${contestant.name} ${told}`);
        return figures;
      }),
    };
  },
};

async function underLoad(
  contestant: SqlContestant,
  { stage, url, client, tasks }: { stage: Stage; url: string; client: Client; tasks: number },
) {
  const all = WARM_UP + tasks;
  const sent = new Map<number, { at: bigint; answered: bigint }>();
  const started = new Map<number, bigint>();
  await stage.settleDown(client);
  await using worker = contestant.startWaiting(url);
  worker.onReport(({ at, place = -1 }) => started.set(place, BigInt(at)));
  await using producers = await openProducers(url);
  const enqueueFrom = (first: number) => async (session: Client, index: number) => {
    const place = first + index;
    const at = now();
    await contestant.enqueueOne(session, { type: "ping", payload: { place } });
    sent.set(place, { at, answered: now() });
  };
  const toStart = { limitMs: START_MS_MAX, whileRunning: worker };

  await offer(producers, { perSecond: PER_SECOND, count: WARM_UP }, enqueueFrom(0));
  await waitFor(() => started.size === WARM_UP, toStart);
  const tookMs = await offer(
    producers,
    { perSecond: PER_SECOND, count: tasks },
    enqueueFrom(WARM_UP),
  );
  await waitFor(() => started.size === all, toStart);
  await waitFor(() => contestant.isEmpty(client), toStart);
  await contestant.check(client, all);

  const measured = [...sent].filter(([place]) => place >= WARM_UP);
  const startedMs = measured.map(([place, { at }]) =>
    millisecondsBetween(at, startOf(started, place)),
  );
  return {
    p50: quantile(startedMs, 0.5),
    p95: quantile(startedMs, 0.95),
    p99: quantile(startedMs, 0.99),
    enqueueP50: quantile(
      measured.map(([, { at, answered }]) => millisecondsBetween(at, answered)),
      0.5,
    ),
    perSecond: tasks / (tookMs / 1_000),
  };
}

function startOf(started: ReadonlyMap<number, bigint>, place: number): bigint {
  const at = started.get(place);
  if (at === undefined) {
    throw new Error(`expected task ${place} to have started, it has not`);
  }
  return at;
}
