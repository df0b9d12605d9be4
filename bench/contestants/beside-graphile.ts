import type { SqlContestant } from "./contestant.ts";
import { BATCHED, graphileWorker, UNBATCHED } from "./graphile-worker.ts";
import { triaged } from "./triaged.ts";

/** triaged beside graphile-worker, by its defaults and in its fastest setting. */
export function besideGraphile({ concurrency }: { concurrency: number }): SqlContestant[] {
  return [
    triaged({ concurrency }),
    graphileWorker("graphile-worker, default", { concurrency, ...UNBATCHED }),
    graphileWorker("graphile-worker, batched", { concurrency, ...BATCHED }),
  ];
}
