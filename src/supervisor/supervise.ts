import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Logger } from "pino";
import { EXIT_CODES } from "../model/errors.ts";
import { RetryDelay } from "../system/retry.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import { sleep } from "../system/waiting.ts";

/** Programs that are stopped together; each gets `graceMs` before it is killed. */
export type ProgramGroup = { readonly programs: readonly Program[]; readonly graceMs: number };

/**
 * Keep all groups running until `stop` aborts, then stop them one after the other, in their
 * order; `kill` ends what is left at once. Resolves to 0, or to the exit code of a program
 * that cannot go on without a change; the others are stopped then as well.
 */
export async function supervise(
  groups: readonly ProgramGroup[],
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

/** Longer than that nobody waits for `onExit`: its database may be away. */
const ON_EXIT_MS_MAX = 3_000;

/** Exit codes by which a process says that a start will not help; a person must act. */
const FINAL_EXIT_CODES: readonly number[] = [EXIT_CODES.usage, EXIT_CODES.config];

/** Durations in milliseconds. */
export type RestartLimits = {
  /** The wait after the first end; it doubles with each further one. @default 200 */
  readonly waitMinMs: number;
  /** @default 30000 */
  readonly waitMaxMs: number;
  /** A process that ran so long was well: its next wait is the first again. @default 10000 */
  readonly wellAfterMs: number;
};

const RESTART_LIMITS: RestartLimits = {
  waitMinMs: 200,
  waitMaxMs: 30_000,
  wellAfterMs: 10_000,
};

type KeepRunningOptions = {
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
async function keepRunning(program: Program, options: KeepRunningOptions): Promise<number | null> {
  const { limits, stop } = options;
  const logger = options.logger.child({ process: program.name });
  const { waitMinMs: baseMs, waitMaxMs: maxMs } = limits;
  const restart = new RetryDelay({ baseMs, maxMs, jitter: 0 });
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
    if (performance.now() - startedMs >= limits.wellAfterMs) {
      restart.reset();
    }
    const waitMs = restart.nextMs();
    logger.warn({ childPid: child.pid, ...exit, waitMs }, "process ended, starting it again");
    await sleep(waitMs, stop);
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

/** A process to run: `name` for the log, the program and its arguments. */
export type Program = { readonly name: string; readonly argv: readonly [string, ...string[]] };

/** How a process ended: one of the two is null. */
type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

type Child = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Does nothing when it is gone. */
  readonly signal: (name: NodeJS.Signals) => void;
};

/**
 * Start a program. It gets a session of its own, so that Ctrl-C reaches the supervisor
 * alone, which knows the order to stop in, and a channel that tells it when the supervisor
 * is gone (stop-signals.ts). It writes to the streams of this process directly: a pipe would
 * break when this process is killed, just when it has something to say. Throws when the
 * program cannot be started.
 */
async function startChild({ argv: [file, ...args] }: Program): Promise<Child> {
  const child = spawn(file, args, {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn");
  // Later errors are those of the channel, which only tells that one side is gone.
  child.on("error", () => undefined);
  return { pid: child.pid ?? 0, exited, signal: (name) => void child.kill(name) };
}
