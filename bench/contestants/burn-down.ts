import { millisecondsBetween, now } from "../frame/report.ts";
import { waitFor } from "../frame/wait-for.ts";
import type { Backlog } from "./backlog.ts";
import { callsOf } from "./calls-of.ts";

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
  const calls = callsOf(workers);
  await waitFor(() => calls.count() >= count, { limitMs: BURN_DOWN_MS_MAX, whileRunning: workers });
  await waitFor(backlog.isEmpty, { limitMs: BURN_DOWN_MS_MAX, everyMs: 1 });
  const emptyAt = now();
  if (isDraining) {
    await Promise.all(workers.map(({ ended }) => ended));
  }
  await backlog.check();
  if (calls.count() !== count) {
    throw new Error(`expected ${count} calls of the handlers, got ${calls.count()}`);
  }
  return count / (millisecondsBetween(calls.firstAt(), emptyAt) / 1_000);
}
