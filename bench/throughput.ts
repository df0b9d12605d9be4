import type { Contestant } from "./contestants/contestant.ts";
import { BATCHED, graphileWorker } from "./contestants/graphile-worker.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 24;
const BURN_DOWN_MS_MAX = 300_000;

export const throughput: Bench = {
  name: "throughput",
  question: "How many no-op tasks a second does one worker process work off?",
  tasksAre: "no-op tasks that wait when the worker starts",
  sizes: { full: { rounds: 7, tasks: 50_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestants = [
      triaged({ concurrency: CONCURRENCY }),
      graphileWorker("graphile-worker, fastest", { concurrency: CONCURRENCY, ...BATCHED }),
    ];
    return {
      columns: [
        {
          key: "perSecond",
          title: "tasks/s",
          digits: 0,
          ratio: { of: "perSecond", title: "triaged by this" },
        },
        { key: "processMs", title: "process start to exit, ms", digits: 0 },
      ],
      rows: await inRounds(contestants, rounds, async (contestant, round) => {
        const figures = await stage.withDatabase(contestant, (url) =>
          burnDown(contestant, { stage, url, tasks }),
        );
        stage.note(`round ${round + 1}: ${contestant.name} ${Math.round(figures.perSecond)}/s`);
        return figures;
      }),
    };
  },
};

/**
 * From the first start of a handler to the commit of the last completion. The end is looked
 * for from the last start of a handler on: before that, looking would cost the contestant.
 */
export async function burnDown(
  contestant: Contestant,
  { stage, url, tasks }: { stage: Stage; url: string; tasks: number },
) {
  return await withClient(url, async (client) => {
    await contestant.enqueueNoops(client, tasks);
    await stage.settleDown(client);

    const startedAt = now();
    await using worker = contestant.startDraining(url);
    const seen = { first: 0n, last: 0n };
    worker.onReport(({ event, at }) => {
      if (event === "first" || event === "last") {
        seen[event] = BigInt(at);
      }
    });
    await waitFor(() => seen.last !== 0n, { whileRunning: worker, limitMs: BURN_DOWN_MS_MAX });
    await waitFor(() => contestant.isEmpty(client), { limitMs: BURN_DOWN_MS_MAX, everyMs: 1 });
    const emptyAt = now();
    await worker.ended;
    const endedAt = now();

    await contestant.check(client, tasks);
    return {
      perSecond: tasks / (millisecondsBetween(seen.first, emptyAt) / 1_000),
      processMs: millisecondsBetween(startedAt, endedAt),
    };
  });
}
