import { type Drainer, ofContestant, onPostgres } from "./contestants/backlog.ts";
import { bullmqOnPostgres, bullmqOnRedis } from "./contestants/bullmq.ts";
import { burnDown } from "./contestants/burn-down.ts";
import { BATCHED, graphileWorker, UNBATCHED } from "./contestants/graphile-worker.ts";
import { withPeers } from "./contestants/peers.ts";
import { pgBoss } from "./contestants/pg-boss.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;
/** The fastest of 1 to 4 fetchers and of 500 to 2,500 a batch, on two cores. */
const BOSS = { fetchers: 4, batch: 500 };
/** "Between 100 and 300": https://docs.bullmq.io/guide/parallelism-and-concurrency. */
const REDIS_CONCURRENCY = 100;

export const throughput: Bench = {
  name: "throughput",
  question: "How many no-op tasks a second do one and two worker processes work off?",
  tasksAre: "no-op tasks that wait when the workers start (slow contestants: fewer, see below)",
  sizes: { full: { rounds: 5, tasks: 100_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [columnOf("one", "1 process"), columnOf("two", "2 processes")],
    rows: await withPeers(stage, async ({ has, redis }) => {
      const contestants: Drainer[] = [
        ofContestant(triaged({ concurrency: CONCURRENCY })),
        ofContestant(
          graphileWorker("graphile-worker, fastest", { concurrency: CONCURRENCY, ...BATCHED }),
        ),
        ofContestant(
          graphileWorker("graphile-worker, default", { concurrency: CONCURRENCY, ...UNBATCHED }),
          0.05,
        ),
        ...(has("pg-boss") ? [onPostgres(pgBoss(BOSS), { isDraining: false })] : []),
        ...(has("bullmq") ? [bullmqOnPostgres({ concurrency: CONCURRENCY, share: 0.03 })] : []),
        ...(redis === null
          ? []
          : [bullmqOnRedis(redis, { concurrency: REDIS_CONCURRENCY, share: 0.15 })]),
      ];
      const sized = contestants.map((contestant) => withCount(contestant, tasks));
      return await inRounds(sized, rounds, (contestant, round) =>
        measureBoth(contestant, { stage, round }),
      );
    }),
  }),
};

function columnOf(key: "one" | "two", title: string) {
  const ratio = { of: key, title: "triaged by this" };
  return { key, title: `${title}, tasks/s`, digits: 0, ratio };
}

type Sized = Drainer & { readonly count: number };

function withCount(contestant: Drainer, tasks: number): Sized {
  const count = Math.ceil(tasks * contestant.share);
  return { ...contestant, count, settings: `${contestant.settings}; ${count} tasks` };
}

async function measureBoth(contestant: Sized, { stage, round }: { stage: Stage; round: number }) {
  const perSecond = (processes: number) =>
    contestant.withBacklog(stage, contestant.count, (backlog) =>
      burnDown(backlog, { ...contestant, processes }),
    );
  const figures = { one: await perSecond(1), two: await perSecond(2) };
  const { one, two } = figures;
  stage.note(
    `round ${round + 1}: ${contestant.name} ${Math.round(one)}/s, two ${Math.round(two)}/s`,
  );
  return figures;
}
