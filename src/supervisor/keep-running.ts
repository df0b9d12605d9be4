import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { EXIT_CODES } from "../errors.ts";
import { waitAtMost } from "../wait-at-most.ts";
import type { Child, Exit, Program } from "./child.ts";
import { startChild } from "./child.ts";

/** Longer than that nobody waits for `onExit`: its database may be away. */
const ON_EXIT_MS_MAX = 3_000;

/** Exit codes by which a process says that a start will not help; a person must act. */
export const FINAL_EXIT_CODES: readonly number[] = [EXIT_CODES.usage, EXIT_CODES.config];

/** Durations in milliseconds. */
export type RestartLimits = {
  /** The wait after the first end; it doubles with each further one. @default 200 */
  readonly waitMinMs: number;
  /** @default 30000 */
  readonly waitMaxMs: number;
  /** A process that ran so long was well: its next wait is the first again. @default 10000 */
  readonly wellAfterMs: number;
};

export const RESTART_LIMITS: RestartLimits = {
  waitMinMs: 200,
  waitMaxMs: 30_000,
  wellAfterMs: 10_000,
};

export type KeepRunningOptions = {
  readonly logger: Logger;
  readonly limits: RestartLimits;
  /** SIGTERM when it aborts, and SIGKILL `graceMs` later. */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  /** SIGKILL when it aborts. */
  readonly kill: AbortSignal;
  /** Called with the pid of a process that ended, unless with exit code 0. Must not reject. */
  readonly onExit?: ((pid: number) => Promise<void>) | undefined;
};

/**
 * Keep a program running: start it again, after a wait, whenever it ends. Resolves to null
 * when it was stopped, or to its exit code when that is one of FINAL_EXIT_CODES.
 */
export async function keepRunning(
  program: Program,
  options: KeepRunningOptions,
): Promise<number | null> {
  const { limits, stop } = options;
  const logger = options.logger.child({ process: program.name });
  let ends = 0;
  while (!stop.aborted) {
    const startedMs = performance.now();
    const child = await startChild(program);
    logger.info({ childPid: child.pid }, "process started");
    const exit = await runToEnd(child, options);
    if (exit.code !== 0 && options.onExit !== undefined) {
      await waitAtMost(ON_EXIT_MS_MAX, options.onExit(child.pid));
    }
    if (stop.aborted) {
      logger.info({ childPid: child.pid, ...exit }, "process stopped");
      return null;
    }
    if (exit.code !== null && FINAL_EXIT_CODES.includes(exit.code)) {
      logger.error({ ...exit }, "process ended and cannot go on without a change");
      return exit.code;
    }
    ends = performance.now() - startedMs >= limits.wellAfterMs ? 1 : ends + 1;
    const waitMs = Math.min(limits.waitMaxMs, limits.waitMinMs * 2 ** (ends - 1));
    logger.warn({ childPid: child.pid, ...exit, waitMs }, "process ended, starting it again");
    await delay(waitMs, undefined, { signal: stop }).catch(() => undefined);
  }
  return null;
}

async function runToEnd(child: Child, options: KeepRunningOptions): Promise<Exit> {
  const { stop, kill, graceMs, logger } = options;
  let timer: NodeJS.Timeout | undefined;
  const killIt = () => child.signal("SIGKILL");
  const stopIt = () => {
    child.signal("SIGTERM");
    timer = setTimeout(() => {
      logger.warn({ childPid: child.pid, graceMs }, "process did not stop in time, killing it");
      killIt();
    }, graceMs);
  };
  onAbort(stop, stopIt);
  onAbort(kill, killIt);
  try {
    return await child.exited;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", stopIt);
    kill.removeEventListener("abort", killIt);
  }
}

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) {
    listener();
  } else {
    signal.addEventListener("abort", listener, { once: true });
  }
}
