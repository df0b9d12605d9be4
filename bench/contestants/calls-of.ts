import type { Child } from "../frame/child.ts";

/** What the handlers of several processes report by countCall, as if they were one. */
export function callsOf(workers: readonly Child[]) {
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
    count: () => calls.reduce((sum, own) => sum + own, 0),
    firstAt: () => firsts.reduce((least, at) => (at < least ? at : least)),
  };
}
