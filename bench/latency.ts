import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { besideGraphile } from "./contestants/beside-graphile.ts";
import type { Contestant } from "./contestants/contestant.ts";
import type { Bench, Row } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 10;
/** Tasks before the clock counts: code is compiled, plans are made, caches are warm. */
const WARM_UP = 30;
/** Between two tasks, a little different each time: no worker's poll may fall into step. */
const PAUSE_MS_MIN = 30;
const PAUSE_MS_MAX = 60;
const START_MS_MAX = 30_000;

export const latency: Bench = {
  name: "latency",
  question: "How long after an enqueue does the handler start, while the worker is at rest?",
  tasksAre: "tasks of a round, one at a time",
  // Short rounds, and many: the machine's pace differs more from minute to minute than the
  // contestants do.
  sizes: { full: { rounds: 20, tasks: 100 }, smoke: { rounds: 1, tasks: 10 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      { key: "p50", title: "p50 ms", digits: 2, ratio: { of: "p50", title: "triaged by this" } },
      { key: "p95", title: "p95 ms", digits: 2 },
      { key: "p99", title: "p99 ms", digits: 2 },
      { key: "enqueueP50", title: "enqueue answered, p50 ms", digits: 2 },
    ],
    rows: await measureAll(stage, { rounds, tasks }),
  }),
};

/** Every contestant's worker waits on its own database; one round after the other is theirs. */
async function measureAll(
  stage: Stage,
  { rounds, tasks }: { rounds: number; tasks: number },
): Promise<Row[]> {
  const contestants = besideGraphile({ concurrency: CONCURRENCY });
  return await inRounds(contestants, rounds, async (contestant, round) => {
    const figures = await stage.withDatabase(contestant, (url) =>
      withClient(url, (client) => atRest(contestant, { url, client, tasks })),
    );
    stage.note(`round ${round + 1}: ${contestant.name} p50 ${figures.p50.toFixed(2)} ms`);
    return figures;
  });
}

async function atRest(
  contestant: Contestant,
  { url, client, tasks }: { url: string; client: Client; tasks: number },
) {
  await using worker = contestant.startWaiting(url);
  const starts = startsOf(worker);
  const startedMs: number[] = [];
  const answeredMs: number[] = [];
  for (let task = -WARM_UP; task < tasks; task++) {
    const started = starts.next();
    const from = now();
    await contestant.enqueuePing(client);
    const answered = now();
    const at = await started;
    if (task >= 0) {
      startedMs.push(millisecondsBetween(from, at));
      answeredMs.push(millisecondsBetween(from, answered));
    }
    await delay(PAUSE_MS_MIN + Math.random() * (PAUSE_MS_MAX - PAUSE_MS_MIN));
  }
  return {
    p50: quantile(startedMs, 0.5),
    p95: quantile(startedMs, 0.95),
    p99: quantile(startedMs, 0.99),
    enqueueP50: quantile(answeredMs, 0.5),
  };
}

/** The starts that the worker's handler reports, one by one. */
function startsOf(worker: Child): { next: () => Promise<bigint> } {
  const seen: bigint[] = [];
  worker.onReport(({ at }) => seen.push(BigInt(at)));
  let taken = 0;
  return {
    next: async () => {
      const place = taken++;
      await waitFor(() => seen.length > place, { limitMs: START_MS_MAX, whileRunning: worker });
      return seen[place] ?? 0n;
    },
  };
}
