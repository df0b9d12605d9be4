import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { besideGraphile } from "./contestants/beside-graphile.ts";
import type { SqlContestant } from "./contestants/contestant.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { postmasterOf, processorSeconds, residentMegabytes } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { statementsHere, watchStatements } from "./frame/statements.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 10;
const WORKERS = 8;
const READY_MS_MAX = 60_000;
/** What follows a start (pools that shrink, a first look for the dead) is not rest. */
const COME_TO_REST_MS = 3_000;

export const idle: Bench = {
  name: "idle",
  question: "What does a worker cost that has nothing to do?",
  tasksAre: `seconds that ${WORKERS} workers rest`,
  sizes: { full: { rounds: 1, tasks: 60 }, smoke: { rounds: 1, tasks: 2 } },
  measure: async (stage, { rounds, tasks: seconds }) => {
    const contestants = besideGraphile({ concurrency: CONCURRENCY });
    return {
      columns: [
        { key: "queries", title: "queries/s each", digits: 2 },
        { key: "nodeMs", title: "worker CPU ms/s each", digits: 2 },
        { key: "serverMs", title: "server CPU ms/s each", digits: 2 },
        { key: "meanMegabytes", title: "memory MB each", digits: 0 },
        { key: "mostMegabytes", title: "the largest", digits: 0, over: "max" },
      ],
      rows: await inRounds(contestants, rounds, async (contestant, round) => {
        const figures = await stage.withDatabase(contestant, (url) =>
          withClient(url, (client) => rest(contestant, { stage, url, client, seconds })),
        );
        stage.note(
          `round ${round + 1}: ${contestant.name} ${figures.queries.toFixed(2)} queries/s`,
        );
        return figures;
      }),
    };
  },
};

async function rest(
  contestant: SqlContestant,
  { stage, url, client, seconds }: { stage: Stage; url: string; client: Client; seconds: number },
) {
  // This session is older than the setting, so that its own statements do not count.
  await watchStatements(client);
  const workers = Array.from({ length: WORKERS }, () => contestant.startWaiting(url));
  try {
    const ready = new Set<number>();
    for (const worker of workers) {
      worker.onReport(() => ready.add(worker.pid));
    }
    await waitFor(
      async () => {
        await contestant.enqueuePing(client);
        return ready.size === WORKERS;
      },
      { limitMs: READY_MS_MAX, everyMs: 10 },
    );
    await waitFor(() => contestant.isEmpty(client), { limitMs: READY_MS_MAX });
    await stage.settleDown(client);
    await delay(COME_TO_REST_MS);

    const look = async () => ({
      statements: await statementsHere(client),
      server: processorSeconds(await postmasterOf(client)),
      node: workers.reduce((sum, { pid }) => sum + processorSeconds(pid), 0),
    });
    const before = await look();
    await delay(seconds * 1_000);
    const after = await look();
    const megabytes = workers.map(({ pid }) => residentMegabytes(pid));
    const each = 1 / (WORKERS * seconds);
    return {
      queries: (after.statements - before.statements) * each,
      nodeMs: (after.node - before.node) * 1_000 * each,
      serverMs: (after.server - before.server) * 1_000 * each,
      meanMegabytes: megabytes.reduce((sum, one) => sum + one, 0) / WORKERS,
      mostMegabytes: Math.max(...megabytes),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
  }
}
