import { once } from "node:events";
import type { Logger } from "pino";
import type { Program } from "./child.ts";
import type { KeepRunningOptions, RestartLimits } from "./keep-running.ts";
import { keepRunning, RESTART_LIMITS } from "./keep-running.ts";

/** Programs that are stopped together; each gets `graceMs` before it is killed. */
export type Group = { readonly programs: readonly Program[]; readonly graceMs: number };

/**
 * Keep all groups running until `stop` aborts, then stop them one after the other, in their
 * order; `kill` ends what is left at once. Resolves to 0, or to the exit code of a program
 * that cannot go on without a change; the others are stopped then as well.
 */
export async function supervise(
  groups: readonly Group[],
  options: {
    readonly logger: Logger;
    readonly stop: AbortSignal;
    readonly kill: AbortSignal;
    readonly limits?: RestartLimits;
    readonly onExit?: KeepRunningOptions["onExit"];
  },
): Promise<number> {
  const { logger, kill, limits = RESTART_LIMITS, onExit } = options;
  if (options.stop.aborted) {
    return 0;
  }
  const running = groups.map(({ programs, graceMs }) => {
    const stopping = new AbortController();
    const ends = programs.map((program) =>
      keepRunning(program, { logger, limits, stop: stopping.signal, graceMs, kill, onExit }),
    );
    return { stopping, ends };
  });
  // A program ends by itself only when it cannot go on, or when it cannot be started at all.
  const ends = running.flatMap((group) => group.ends);
  const stopped = once(options.stop, "abort");
  try {
    return (await Promise.race([stopped.then(() => null), ...ends])) ?? 0;
  } finally {
    for (const group of running) {
      group.stopping.abort();
      await Promise.allSettled(group.ends);
    }
  }
}
