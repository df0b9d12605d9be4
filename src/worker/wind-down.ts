import type { Logger } from "pino";
import { failpoint } from "../failpoint.ts";
import type { Database } from "../postgres/database.ts";
import { endWorker } from "../postgres/worker-store.ts";
import type { RunningAttempt } from "./attempt.ts";
import type { DatabaseLink } from "./database-link.ts";
import { pause } from "./every.ts";
import type { Flag } from "./flag.ts";
import type { Settler } from "./settler.ts";
import type { Slots } from "./slots.ts";

/** What a handler gets to notice that the grace time is over, before its task is released. */
const ABORT_MS = 1_000;
/** What the last statements get when the database does not answer. */
const GOODBYE_MS = 5_000;

/** What waiting for handlers to end needs. */
export type Waiting = {
  readonly slots: Slots;
  /** Raised when an attempt ended or got stuck. */
  readonly changed: Flag;
  /** The attempt whose handler ignores its signal, if there is one: waiting is over then. */
  readonly stuck: () => RunningAttempt | null;
  /** Do not wait. */
  readonly kill: AbortSignal;
};

export type WindDownDeps = Waiting & {
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
  /** … which this signal tells. */
  readonly givingUp: AbortSignal;
};

/**
 * The end of a worker that claims nothing more, in phases: give back what has not been
 * started, let the rest finish within the grace time, abort and release what is left, end
 * the row. Nothing of this costs a task a failure, except a handler that hangs.
 */
export async function windDown(deps: WindDownDeps): Promise<void> {
  const { db, link, logger, slots, settler, stuck, workerId, reason } = deps;
  failpoint("shutdown.begun");
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
  { slots, changed, stuck, kill }: Waiting,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!slots.isEmpty && stuck() === null && !kill.aborted) {
    const left = deadline - performance.now();
    if (left <= 0) {
      return;
    }
    await Promise.race([changed.wait(left), pause(left, kill)]);
  }
}
