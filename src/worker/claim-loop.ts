import type { EventEmitter } from "node:events";
import type { Logger } from "pino";
import { claimTasks } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import type { NotificationEvents, NotificationListener } from "../database/listener.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import { releaseUnknownTasks } from "../database/workers.ts";
import type { Attempt, ClaimedTask, Lane } from "../model/task.ts";
import { failpoint } from "../system/failpoint.ts";
import { type RetryDelays, retry } from "../system/retry.ts";
import { sleep } from "../system/waiting.ts";
import type { Lanes } from "./lanes.ts";
import type { Plan, Slots } from "./slots.ts";
import { type FloodLog, NotificationThrottle, NotifiedLanes, WakeUp } from "./wake-up.ts";

/**
 * Looks that the bell may ask for though they find nothing. Of several workers that it wakes one
 * finds the task, so some in a row are common; a task that comes beside a flood waits for 20 ms.
 */
const CLAIM_THROTTLE = { inARow: 50, perSecond: 50 };

type ClaimLoopDeps = ClaimsDeps & {
  readonly doorbell: EventEmitter<NotificationEvents> &
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
 * nothing is left. Throws after some errors in a row that no waiting mends.
 */
export async function runClaimLoop(deps: ClaimLoopDeps): Promise<void> {
  const { slots, changed, signal, doorbell, drain } = deps;
  const claims = new Claims(deps);
  const rung = new WakeUp();
  const rungLanes = new NotifiedLanes(deps.pollIntervalMs);
  const onWake = () => {
    rung.raise();
    changed.raise();
  };
  const looks = new NotificationThrottle(onWake, CLAIM_THROTTLE);
  deps.flood?.watch(looks);
  const onRing = (said: string) => {
    rungLanes.rang(said);
    looks.ask();
  };
  // Arm it: nothing rings while nobody has said that it sleeps.
  const onRestored = () => onRing("");
  doorbell.on("notified", onRing).on("restored", onRestored);
  signal.addEventListener("abort", onWake);
  const begin = () => {
    // Also where the abort came while something else was waited for, and `rung` tells of it.
    if (signal.aborted) {
      return null;
    }
    return claims.begin(() => {
      rung.lower();
      looks.begin();
      return rungLanes.look({ now: performance.now(), armed: doorbell.armed });
    });
  };
  const naps = new IdleDelay();
  let claiming: PendingClaim | null = null;
  try {
    // One that was begun before the abort is waited for.
    while (claiming !== null || !signal.aborted) {
      // Here as well: a worker that is busy for hours claims nothing.
      if (claiming === null && claims.isLostDue) await claims.lookForLost();
      claiming ??= begin();
      if (claiming === null) {
        await changed.wait(deps.pollIntervalMs);
        slots.releaseWaiting({ staleAt: performance.now() });
        continue;
      }
      const { plan } = claiming;
      const { found, more, swept } = await claiming.found;
      claiming = null;
      if (found) looks.found();
      if (more) {
        // Busy: an enqueue need not ring, the next claim comes anyway.
        await doorbell.disarm();
      } else if (drain && !found && slots.isEmpty) {
        if (swept) {
          return;
        }
        await sleep(deps.lanes.sweepDueInMs(performance.now()), signal);
      } else if (naps.after({ found, now: performance.now() })) {
        await doorbell.disarm();
        await sleep(IDLE_DELAY_MS, signal);
      } else if (doorbell.armed || !(await doorbell.arm())) {
        // It has said that it sleeps, has looked once more, and sleeps.
        const now = performance.now();
        rungLanes.sleeps({ now, hears: doorbell.armed && plan.isWhole });
        const mostMs = Math.min(sleepMs(deps, swept), rungLanes.everywhereInMs(now));
        await (plan.isWhole
          ? // In the turn of the event loop that heard the bell: 0.05 ms earlier.
            rung.wait(mostMs, () => (claiming = begin()))
          : changed.wait(mostMs));
      }
    }
  } finally {
    looks.close();
    doorbell.off("notified", onRing).off("restored", onRestored);
    signal.removeEventListener("abort", onWake);
  }
}

/** Until the poll; or until the sweep, if what was looked at lay behind the bounds only. */
function sleepMs({ lanes, pollIntervalMs }: ClaimLoopDeps, swept: boolean): number {
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
  readonly doorbell: Pick<NotificationListener, "session">;
  readonly lanes: Lanes;
  readonly slots: Pick<Slots, "plan" | "known" | "accept">;
  readonly logger: Logger;
  readonly workerId: string;
  /** Claim nothing more. */
  readonly signal: AbortSignal;
};

/** What a look into the lanes came to; `more` where one of them gave all that was asked for. */
type Found = { readonly found: boolean; readonly more: boolean; readonly swept: boolean };

/** A look into the lanes that is under way, and what there was room for when it began. */
type PendingClaim = { readonly plan: Plan; readonly found: Promise<Found> };

/** Claims what is due and hands it to the slots. Its caller makes one look at a time. */
class Claims {
  readonly #deps: ClaimsDeps;
  readonly #lost: LostClaims;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    this.#lost = new LostClaims({ ...deps, known: () => deps.slots.known() });
  }

  /** Whether `lookForLost` must come before the next claim. */
  get isLostDue(): boolean {
    return this.#lost.isDue;
  }

  async lookForLost(): Promise<void> {
    const { link, signal } = this.#deps;
    await this.#untilDone(() => link.run(() => this.#lost.look(), signal));
  }

  /**
   * Look for as many tasks as there is room for; null without room. `only` is called just
   * before and says into which lanes, or with null into all. On a session that is at hand, the
   * first statement is on its way when this returns. `found` rejects after some errors in a row
   * that no waiting mends.
   */
  begin(only: () => ReadonlySet<string> | null): PendingClaim | null {
    const plan = this.#deps.slots.plan(performance.now());
    if (plan.claims.length === 0) {
      return null;
    }
    const named = only();
    return { plan, found: this.#untilDone(() => this.#claimAll(plan, named)) };
  }

  async #claimAll(plan: Plan, only: ReadonlySet<string> | null): Promise<Found> {
    const { lanes, slots } = this.#deps;
    // What the bell named may have committed late; the other lanes are not looked at.
    const depth = only === null ? lanes.depth(performance.now()) : "recent";
    let found = false;
    let more = false;
    let { room } = plan;
    for (const { limit: most, full } of plan.claims) {
      const limit = Math.min(most, room);
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
      slots.accept(tasks, { more: isFull, epoch: plan.epoch });
      room -= tasks.length;
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
    const { db, doorbell, link, workerId, signal } = this.#deps;
    const { limit, lanes, inputBytesMax } = of;
    let session = of.isNamed ? doorbell.session : null;
    return await link.run(async () => {
      const on = session ?? db;
      // One that fails to answer is not asked twice.
      session = null;
      try {
        if (this.#lost.isDue) await this.#lost.look();
        failpoint("claim.before");
        const tasks = await claimTasks(on, { workerId, limit, lanes, inputBytesMax });
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

/** A server may make a claim long after its caller gave the connection up. */
const LOST_CLAIMS_MS_MIN = 30_000;
/** Looks take at most one part in so many of the time. */
const LOST_CLAIMS_SHARE = 20;

type LostClaimsDeps = {
  readonly db: Database;
  readonly logger: Logger;
  readonly workerId: string;
  /** The attempts that the worker runs, is about to run, or has yet to settle. */
  readonly known: () => readonly Attempt[];
};

/**
 * Gives back what a claim took whose answer was lost: the tasks are started, the worker that
 * holds them lives, and it does not run them. It looks after each claim that failed, and now
 * and then, since the server may make such a claim later than that.
 *
 * Not beside a claim: what that takes is not known yet. So the loop that claims calls it.
 */
class LostClaims {
  readonly #deps: LostClaimsDeps;
  #lookAt = performance.now() + LOST_CLAIMS_MS_MIN;

  constructor(deps: LostClaimsDeps) {
    this.#deps = deps;
  }

  /** A claim failed, which does not tell whether it was made. */
  suspect(): void {
    this.#lookAt = 0;
  }

  /** Whether it is time to look. */
  get isDue(): boolean {
    return performance.now() >= this.#lookAt;
  }

  /** Throws the driver's error; it is time to look again then. */
  async look(): Promise<void> {
    const before = performance.now();
    const { db, logger, workerId, known } = this.#deps;
    const released = await releaseUnknownTasks(db, workerId, known());
    const now = performance.now();
    this.#lookAt = now + Math.max(LOST_CLAIMS_MS_MIN, LOST_CLAIMS_SHARE * (now - before));
    if (released > 0) {
      logger.warn({ tasks: released }, "gave back what a claim took whose answer was lost");
    }
  }
}

/** What a worker that naps waits before it looks again. */
const IDLE_DELAY_MS = 2;
/** Naps in a row without a task, until it goes to sleep. */
const IDLE_DELAYS_MAX = 3;

/**
 * Whether a worker that found less than it asked for should nap, and not sleep. Where a task
 * comes every few milliseconds, one that sleeps is woken by a notify for each, and claims them
 * one by one; one that naps spares the producers the notify, and takes several at a time.
 */
export class IdleDelay {
  #foundAt = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** A claim came back. True: nap. The first task after a rest is no reason to stay awake. */
  after({ found, now }: { found: boolean; now: number }): boolean {
    if (found) {
      this.#left = now - this.#foundAt <= IDLE_DELAYS_MAX * IDLE_DELAY_MS ? IDLE_DELAYS_MAX : 0;
      this.#foundAt = now;
    } else {
      this.#left = Math.max(0, this.#left - 1);
    }
    return this.#left > 0;
  }
}
