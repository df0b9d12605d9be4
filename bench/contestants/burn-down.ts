import type { Child } from "../frame/child.ts";
import { millisecondsBetween, now } from "../frame/report.ts";
import { waitFor } from "../frame/wait-for.ts";
import type { Backlog } from "./backlog.ts";

const BURN_DOWN_MS_MAX = 300_000;

/**
 * Have processes work off what waits; tasks a second, from the first start of a handler, in
 * whichever process, to the commit of the last completion. The end is looked for from the last
 * start of a handler on: before that, looking would cost the contestant.
 */
export async function burnDown(
  backlog: Backlog,
  { count, processes, isDraining }: { count: number; processes: number; isDraining: boolean },
): Promise<number> {
  await using started = new AsyncDisposableStack();
  const workers = Array.from({ length: processes }, () => started.use(backlog.startDraining()));
  const seen = watch(workers);
  await waitFor(() => seen.calls() >= count, { limitMs: BURN_DOWN_MS_MAX, whileRunning: workers });
  await waitFor(backlog.isEmpty, { limitMs: BURN_DOWN_MS_MAX, everyMs: 1 });
  const emptyAt = now();
  if (isDraining) {
    await Promise.all(workers.map(({ ended }) => ended));
  }
  await backlog.check();
  if (seen.calls() !== count) {
    throw new Error(`expected ${count} calls of the handlers, got ${seen.calls()}`);
  }
  return count / (millisecondsBetween(seen.firstAt(), emptyAt) / 1_000);
}

/** What the handlers of several processes report, as if they were one. */
function watch(workers: readonly Child[]) {
  const firsts: bigint[] = [];
  const calls = workers.map(() => 0);
  for (const [place, worker] of workers.entries()) {
    worker.onTally((tally) => {
      calls[place] = tally.calls;
    });
    worker.onReport(({ event, at }) => {
      if (event === "first") {
        firsts.push(BigInt(at));
      }
    });
  }
  return {
    calls: () => calls.reduce((sum, own) => sum + own, 0),
    firstAt: () => firsts.reduce((least, at) => (at < least ? at : least)),
  };
}
