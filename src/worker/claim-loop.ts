/**
 * The loop that claims: as many tasks as the slots have capacity for, from the lanes that may have
 * some, at once, after a short delay, when a notification comes, or with the next poll.
 */

import type { EventEmitter } from "node:events";
import type { Logger } from "pino";
import { claimTasks } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseHealth } from "../database/health.ts";
import type { NotificationEvents, NotificationListener } from "../database/listener.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import type { ClaimedTask, Lane } from "../model/task.ts";
import { failpoint } from "../system/failpoint.ts";
import { Observation } from "../system/observation.ts";
import { type RetryDelays, retry } from "../system/retry.ts";
import { sleep, unlessAborted } from "../system/waiting.ts";
import type { Lanes } from "./lanes.ts";
import { LostClaims } from "./lost-claims.ts";
import type { Plan, Slots } from "./slots.ts";
import { type FloodLog, NotificationThrottle, NotifiedLanes, WakeUp } from "./wake-up.ts";

/**
 * Claims that notifications may ask for though they find nothing. Of several workers that one
 * wakes, one finds the task, so some in a row are common; beside a flood a task waits for 20 ms.
 */
const CLAIM_THROTTLE = { inARow: 50, perSecond: 50 };

/** A claim was answered with so many tasks, often none. */
export const claimAnswered = new Observation<number>();

type ClaimLoopDeps = ClaimsDeps & {
  readonly listener: EventEmitter<NotificationEvents> &
    Pick<NotificationListener, "armed" | "arm" | "disarm">;
  readonly slots: Pick<Slots, "isEmpty" | "releaseWaiting">;
  readonly pollIntervalMs: number;
  /** End when nothing is due and nothing runs. */
  readonly drain: boolean;
  /** Raised when a slot became free. */
  readonly changed: WakeUp;
  /** Told of notifications that were too many to look for each. */
  readonly flood?: Pick<FloodLog, "watch">;
};

/**
 * Claim what is due and hand it to the slots, until the signal aborts or, with `drain`,
 * nothing is left. Throws after some errors in a row that do not pass by themselves.
 */
export async function runClaimLoop(deps: ClaimLoopDeps): Promise<void> {
  const { slots, changed, signal, listener, drain } = deps;
  const claims = new Claims(deps);
  const notified = new WakeUp();
  const lanes = new NotifiedLanes(deps.pollIntervalMs);
  const onWake = () => {
    notified.raise();
    changed.raise();
  };
  const throttle = new NotificationThrottle(onWake, CLAIM_THROTTLE);
  deps.flood?.watch(throttle);
  const onNotified = (payload: string) => {
    lanes.add(payload);
    throttle.ask();
  };
  // A new session is not armed, and no notification comes until it is.
  const onRestored = () => onNotified("");
  listener.on("notified", onNotified).on("restored", onRestored);
  signal.addEventListener("abort", onWake);
  const start = () => {
    // Also where the abort came while something else was waited for, and `notified` tells of it.
    if (signal.aborted) {
      return null;
    }
    return claims.start(() => {
      notified.lower();
      throttle.start();
      return lanes.look({ now: performance.now(), armed: listener.armed });
    });
  };
  const idle = new IdleDelay();
  let claiming: PendingClaim | null = null;
  try {
    // One that was started before the abort is waited for.
    while (claiming !== null || !signal.aborted) {
      // Here as well: a worker that is busy for hours claims nothing.
      if (claiming === null && claims.isLostDue) await claims.releaseLost();
      claiming ??= start();
      if (claiming === null) {
        await changed.wait(deps.pollIntervalMs);
        slots.releaseWaiting({ staleAt: performance.now() });
        continue;
      }
      const { plan } = claiming;
      const { found, more, swept } = await claiming.found;
      claiming = null;
      if (found) throttle.found();
      if (more) {
        // Busy: an enqueue need not notify, the next claim comes anyway.
        await listener.disarm();
      } else if (drain && !found && slots.isEmpty) {
        if (swept) {
          return;
        }
        await sleep(deps.lanes.sweepDueInMs(performance.now()), signal);
      } else if (idle.isShort({ found, now: performance.now() })) {
        await listener.disarm();
        await sleep(IDLE_DELAY_MS, signal);
      } else if (listener.armed || !(await listener.arm())) {
        // It was armed before the last look already, or cannot be: wait for a notification or a poll.
        const now = performance.now();
        lanes.rest({ now, isNotified: listener.armed && plan.isWhole });
        const mostMs = Math.min(waitMs(deps, swept), lanes.allDueInMs(now));
        await (plan.isWhole
          ? // In the turn of the event loop that hears the notification: 0.05 ms earlier.
            notified.wait(mostMs, () => (claiming = start()))
          : changed.wait(mostMs));
      }
    }
  } finally {
    throttle.close();
    listener.off("notified", onNotified).off("restored", onRestored);
    signal.removeEventListener("abort", onWake);
  }
}

/** Until the poll; or until the sweep, where the claim looked after the bounds only. */
function waitMs({ lanes, pollIntervalMs }: ClaimLoopDeps, swept: boolean): number {
  return swept
    ? pollIntervalMs
    : Math.min(pollIntervalMs, lanes.sweepDueInMs(performance.now()) + 1);
}

/** Errors in a row, other than a database that does not answer, before the worker gives up. */
const CLAIM_ERRORS_MAX = 5;
const CLAIM_ERROR_DELAYS: RetryDelays = { baseMs: 2_000, maxMs: 16_000, jitter: 0 };

type ClaimsDeps = {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly health: Pick<DatabaseHealth, "state" | "untilUp">;
  readonly listener: Pick<NotificationListener, "session">;
  readonly lanes: Lanes;
  readonly slots: Pick<Slots, "plan" | "known" | "accept">;
  readonly logger: Logger;
  readonly workerId: string;
  /** Claim nothing more. */
  readonly signal: AbortSignal;
};

/** What a claim came to; `more` where it found all that it asked for, `swept` if it was a sweep. */
type Found = { readonly found: boolean; readonly more: boolean; readonly swept: boolean };

/** A claim that is under way, and how many tasks could be taken when it started. */
type PendingClaim = { readonly plan: Plan; readonly found: Promise<Found> };

/** Claims what is due and hands it to the slots. Its caller starts one claim at a time. */
class Claims {
  readonly #deps: ClaimsDeps;
  readonly #lost: LostClaims;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    this.#lost = new LostClaims({ ...deps, known: () => deps.slots.known() });
  }

  /** Whether `releaseLost` must come before the next claim. */
  get isLostDue(): boolean {
    return this.#lost.isDue;
  }

  async releaseLost(): Promise<void> {
    const { link, signal } = this.#deps;
    await this.#untilDone(() => link.run(() => this.#lost.release(), signal));
  }

  /**
   * Claim as many tasks as the slots have capacity for; null without any. `only` is called just before
   * and returns the lanes to look into, or null for all. On a session that is at hand, the first
   * statement is on its way when this returns. `found` rejects after some errors in a row that do
   * not pass by themselves.
   */
  start(only: () => ReadonlySet<string> | null): PendingClaim | null {
    const plan = this.#deps.slots.plan(performance.now());
    if (plan.claims.length === 0) {
      return null;
    }
    const named = only();
    return { plan, found: this.#untilDone(() => this.#claimAll(plan, named)) };
  }

  async #claimAll(plan: Plan, only: ReadonlySet<string> | null): Promise<Found> {
    const { lanes, slots } = this.#deps;
    // A task in a named lane may have committed late; the other lanes are not looked at.
    const depth = only === null ? lanes.depth(performance.now()) : "recent";
    let found = false;
    let more = false;
    let { capacity } = plan;
    for (const { limit: most, full } of plan.claims) {
      const limit = Math.min(most, capacity);
      if (limit === 0) {
        break;
      }
      const before = performance.now();
      const asked = lanes.next(before, { depth, full, only });
      if (asked.length === 0) {
        continue;
      }
      const tasks = await this.#claim({
        limit,
        lanes: asked,
        inputBytesMax: plan.inputBytesMax,
        isNamed: only !== null,
      });
      const now = performance.now();
      const isFull = tasks.length === limit;
      // A look into some lanes is no sweep, whose time and cost would count for all.
      const looked = only === null ? depth : "new";
      lanes.claimed(tasks, { now, tookMs: now - before, depth: looked, more: isFull });
      slots.accept(tasks, { more: isFull, epoch: plan.epoch, askedMs: before });
      capacity -= tasks.length;
      found ||= tasks.length > 0;
      more ||= isFull;
    }
    return { found, more, swept: depth === "all" };
  }

  async #claim(of: {
    limit: number;
    lanes: readonly Lane[];
    inputBytesMax: number;
    isNamed: boolean;
  }): Promise<ClaimedTask[]> {
    const { db, health, listener, link, workerId, signal } = this.#deps;
    const { limit, lanes, inputBytesMax } = of;
    let session = of.isNamed ? listener.session : null;
    return await link.run(async () => {
      const on = session ?? db;
      // A session that fails is not tried twice.
      session = null;
      // Else in this turn of the event loop, as `start` promises.
      if (health.state === "down") await this.#untilUp();
      try {
        if (this.#lost.isDue) await this.#lost.release();
        failpoint("claim.before");
        const tasks = await claimTasks(on, { workerId, limit, lanes, inputBytesMax });
        claimAnswered.tell(tasks.length);
        if (tasks.length > 0) {
          failpoint("claim.answered");
        }
        return tasks;
      } catch (err) {
        this.#lost.suspect();
        throw err;
      }
    }, signal);
  }

  /** Claim nothing of a database that is down: a claim that gets through once may be lost. */
  async #untilUp(): Promise<void> {
    const { health, logger, signal } = this.#deps;
    logger.warn("the database is down; claiming nothing until it answers");
    await unlessAborted(signal, health.untilUp());
    logger.info("the database is up; claiming again");
  }

  /** Wait longer after each error, and give up after some in a row. */
  async #untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
    const { logger, signal } = this.#deps;
    const mayPass = (err: unknown, errors: number) => {
      if (errors >= CLAIM_ERRORS_MAX) {
        return false;
      }
      logger.error({ err, errors, errorsMax: CLAIM_ERRORS_MAX }, "claiming failed");
      return true;
    };
    return await retry(work, { delays: CLAIM_ERROR_DELAYS, signal, mayPass });
  }
}

/** What a worker that keeps up waits before it looks again. */
const IDLE_DELAY_MS = 2;
/** Such delays in a row without a task, until it waits for a notification. */
const IDLE_DELAYS_MAX = 3;

/**
 * Whether a worker that found less than it asked for should look again after a short delay, or
 * wait for a notification. Where a task comes every few milliseconds, a worker that waits is
 * notified of each and claims them one by one; one that looks again spares the producers the
 * notify, and takes several at a time.
 */
export class IdleDelay {
  #foundAt = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** A claim came back. The first task after a rest is no reason to look again soon. */
  isShort({ found, now }: { found: boolean; now: number }): boolean {
    if (found) {
      this.#left = now - this.#foundAt <= IDLE_DELAYS_MAX * IDLE_DELAY_MS ? IDLE_DELAYS_MAX : 0;
      this.#foundAt = now;
    } else {
      this.#left = Math.max(0, this.#left - 1);
    }
    return this.#left > 0;
  }
}
