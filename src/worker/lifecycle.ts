/**
 * How a worker process gets ready, and how it shuts down.
 */

import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Registration } from "../database/arguments.ts";
import { claimTasks, settleNothing } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import { endWorker } from "../database/workers.ts";
import type { Handler } from "../model/handler.ts";
import { PRIORITIES } from "../model/task.ts";
import { failpoint } from "../system/failpoint.ts";
import { sleep } from "../system/waiting.ts";
import type { RunningAttempt } from "./attempt.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Settler } from "./settler.ts";
import type { Slots } from "./slots.ts";
import type { WakeUp } from "./wake-up.ts";

const LEASE_MS = 15_000;
const MAX_ATTEMPTS_DEFAULT = 3;

/** What this process tells of itself when it registers as a worker. */
export function registrationOf(worker: {
  readonly name: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly handlers: ReadonlyMap<string, Handler>;
}): Registration {
  return {
    name: worker.name,
    host: hostname(),
    pid: process.pid,
    queues: worker.queues,
    concurrency: worker.concurrency,
    leaseMs: LEASE_MS,
    taskTypes: [...worker.handlers].map(([name, handler]) => ({
      name,
      maxAttempts: handler.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    })),
  };
}

/** A session lock that takes longer is not waited for; a connection takes some tens of ms. */
const LOCK_MS_MAX = 2_000;

/**
 * What comes before the first claim: warm connections, and the session lock. If a worker without
 * the lock dies, its tasks wait for the lease: one that crashed at each start would cost its tasks
 * 15 s each time, not one.
 */
export async function getReady(
  { db, link, workerId }: { db: Database; link: DatabaseLink; workerId: string },
  heartbeat: Heartbeat,
  signal: AbortSignal,
): Promise<void> {
  const locked = new AbortController();
  void heartbeat.locked.then(() => locked.abort());
  await Promise.all([
    link.run(() => warmUp(db, workerId), signal),
    sleep(LOCK_MS_MAX, AbortSignal.any([signal, locked.signal])),
  ]);
}

/** Connections of a busy worker: one that claims, and those of the settler. */
const CONNECTIONS = 3;

/**
 * Open the connections that a busy worker needs, and have each of them make its plans. Else
 * the first tasks wait for that: 10 ms for a claim, and as much for a settle. Claims and
 * settles nothing.
 */
async function warmUp(db: Database, workerId: string): Promise<void> {
  const lanes = PRIORITIES.map((priority) => ({ queue: "", taskType: "", priority }));
  await onEach(() => claimTasks(db, { workerId, limit: 0, lanes, inputBytesMax: 0 }));
  await onEach(() => settleNothing(db));
}

/** At the same time, so that each runs on a connection of its own. */
async function onEach(statement: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, statement));
}

/** What a handler gets to notice that the grace time is over, before its task is released. */
const ABORT_MS = 1_000;
/** What the last statements get when the database does not answer. */
const GOODBYE_MS = 5_000;

/** What waiting for handlers to end needs. */
type IdleWait = {
  readonly slots: Slots;
  /** Raised when an attempt ended or got stuck. */
  readonly changed: WakeUp;
  /** The attempt whose handler ignores its signal, or null; with one, waiting is over. */
  readonly stuck: () => RunningAttempt | null;
  /** Do not wait. */
  readonly kill: AbortSignal;
};

type ShutdownDeps = IdleWait & {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly logger: Logger;
  readonly workerId: string;
  readonly settler: Settler;
  readonly graceMs: number;
  /** Why the worker ends, for its row. */
  readonly reason: string;
  /** Stop waiting for a database that does not answer … */
  readonly giveUp: () => void;
  /** … which aborts this signal. */
  readonly givingUp: AbortSignal;
};

/**
 * The end of a worker that claims nothing more, in phases: release the tasks that have not
 * started, let the rest finish within the grace time, abort and release what is left, end the row.
 * Nothing of this costs a task a failure, except a handler that hangs.
 */
export async function shutDown(deps: ShutdownDeps): Promise<void> {
  const { db, link, logger, slots, settler, stuck, workerId, reason } = deps;
  failpoint("shutdown.started");
  slots.releaseWaiting();
  await untilIdle(deps, deps.graceMs);
  if (!slots.isEmpty) {
    logger.info({ tasks: slots.runningCount }, "grace time is over; releasing tasks");
    slots.abortAll("shutdown");
    await untilIdle(deps, ABORT_MS);
    slots.settleRunning((attempt) =>
      // One that took too long has failed, also where it is not the one that hangs.
      attempt === stuck() || attempt.aborted?.kind === "timeout"
        ? attempt.outcomeWhenStuck()
        : { outcome: "release" },
    );
  }
  failpoint("shutdown.released");
  const goodbye = setTimeout(deps.giveUp, GOODBYE_MS);
  await settler.idle();
  failpoint("shutdown.settled");
  try {
    await link.run(() => endWorker(db, workerId, reason), deps.givingUp);
    failpoint("shutdown.answered");
    logger.info({ reason }, "worker ended");
  } catch (err) {
    logger.warn({ err }, "worker ended; its row is left to a rescue");
  } finally {
    clearTimeout(goodbye);
  }
}

/** Wait until no handler runs, one is stuck, nobody wants to wait, or the time is over. */
export async function untilIdle(
  { slots, changed, stuck, kill }: IdleWait,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!slots.isEmpty && stuck() === null && !kill.aborted) {
    const left = deadline - performance.now();
    if (left <= 0) {
      return;
    }
    await Promise.race([changed.wait(left), sleep(left, kill)]);
  }
}
