/**
 * What wakes an idle worker: the flag that its loop waits for, the lanes that notifications named,
 * and how often notifications may have it look, since anybody who may connect can send them.
 */

import type { Logger } from "pino";
import { z } from "zod";
import { laneKey } from "./lanes.ts";

/** Something that happens again and again, and that one loop waits for. */
export class WakeUp {
  #raised = false;
  #wake: (() => void) | null = null;

  /** It happened. Ends the newest wait, and is remembered for the next where there is none. */
  raise(): void {
    if (this.#wake === null) {
      this.#raised = true;
    } else {
      this.#wake();
    }
  }

  /** Forget that it happened. */
  lower(): void {
    this.#raised = false;
  }

  /**
   * Resolves when it has happened since the last `wait`, or after `ms`. If it happens while
   * this waits, `onRaise` is called at once, before whoever raised it goes on.
   */
  async wait(ms?: number, onRaise?: () => void): Promise<void> {
    if (this.#raised) {
      this.#raised = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wake = null;
        try {
          onRaise?.();
        } finally {
          end();
        }
      };
      const end = () => {
        // An earlier wait that was given up leaves the one of a later one alone.
        if (this.#wake === wake) this.#wake = null;
        clearTimeout(timer);
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(end, ms);
      this.#wake = wake;
    });
  }
}

/** So many payloads are remembered with the lane they name: parsing one takes 0.04 ms at rest. */
const REMEMBERED_MAX = 1_000;
/** More named lanes than these count as all: anybody can notify, and name any lane. */
const NAMED_MAX = 100;
/** No lane has a longer name, whatever it has escaped. */
const NOTIFICATION_LENGTH_MAX = 4_096;

const NotifiedLane = z.tuple([z.string(), z.string(), z.int()]);

/**
 * The lanes in which tasks came, as notifications named them. A worker of a hundred task types
 * that looks into one of its lanes, and not into all 400, starts a task after 3.7 ms instead of
 * 5.4 (bench latency, with as many handlers).
 *
 * They are all that is new only for a worker that looked into all lanes after it had armed its
 * listener, left nothing there and has been idle since: a busy worker is not notified.
 */
export class NotifiedLanes {
  readonly #pollIntervalMs: number;
  readonly #remembered = new Map<string, string | null>();
  readonly #names = new Set<string>();
  /** A notification named no lane. */
  #isAnyLane = false;
  /** The lanes of the newest look; null for all. */
  #looked: ReadonlySet<string> | null = null;
  #isNotified = false;
  #lookedIntoAllAt = Number.NEGATIVE_INFINITY;

  constructor(pollIntervalMs: number) {
    this.#pollIntervalMs = pollIntervalMs;
  }

  /** A notification came: its payload is a lane as JSON, or empty. */
  add(payload: string): void {
    if (this.#isAnyLane) {
      return;
    }
    const name = this.#names.size < NAMED_MAX ? this.#laneIn(payload) : null;
    if (name === null) {
      this.#isAnyLane = true;
    } else {
      this.#names.add(name);
    }
  }

  /** The worker looks for tasks now: into these lanes, or for null into all of them. */
  look({ now, armed }: { now: number; armed: boolean }): ReadonlySet<string> | null {
    const names = this.#take();
    this.#looked = this.#isNotified && armed && this.allDueInMs(now) > 0 ? names : null;
    this.#isNotified = false;
    return this.#looked;
  }

  /** It has left nothing where it looked and is idle; `isNotified` if enqueues notify it. */
  rest({ now, isNotified }: { now: number; isNotified: boolean }): void {
    this.#isNotified = isNotified;
    if (this.#looked === null) this.#lookedIntoAllAt = now;
  }

  /**
   * Milliseconds until the worker must look into all lanes: tasks due without a notification wait
   * at most one poll, whatever other notifications come.
   */
  allDueInMs(now: number): number {
    return Math.max(0, this.#lookedIntoAllAt + this.#pollIntervalMs - now);
  }

  #laneIn(payload: string): string | null {
    const remembered = this.#remembered.get(payload);
    if (remembered !== undefined) {
      return remembered;
    }
    if (this.#remembered.size === REMEMBERED_MAX) this.#remembered.clear();
    const name = laneNamedIn(payload);
    this.#remembered.set(payload, name);
    return name;
  }

  #take(): ReadonlySet<string> | null {
    const names = this.#isAnyLane || this.#names.size === 0 ? null : new Set(this.#names);
    this.#names.clear();
    this.#isAnyLane = false;
    return names;
  }
}

function laneNamedIn(payload: string): string | null {
  if (payload === "" || payload.length > NOTIFICATION_LENGTH_MAX) return null;
  try {
    const { data } = NotifiedLane.safeParse(JSON.parse(payload));
    if (data === undefined) return null;
    const [queue, taskType, priority] = data;
    return laneKey({ queue, taskType, priority });
  } catch {
    return null;
  }
}

/**
 * How often notifications have a worker look for something. Anybody who may connect can notify,
 * as often as he likes and whatever he likes. So however many notifications come, at most one look
 * is pending, and looks that find nothing are made at a limited rate, after some that may follow
 * each other at once.
 */
export class NotificationThrottle {
  readonly #look: () => void;
  readonly #inARow: number;
  readonly #everyMs: number;
  #left: number;
  #refilledAt = performance.now();
  #isPending = false;
  #timer: NodeJS.Timeout | undefined;
  #inVain = 0;
  #sinceFound = 0;

  constructor(look: () => void, { inARow, perSecond }: { inARow: number; perSecond: number }) {
    this.#look = look;
    this.#inARow = inARow;
    this.#left = inARow;
    this.#everyMs = 1_000 / perSecond;
  }

  /** Notifications after which nothing was found, but for the first of them. */
  get inVain(): number {
    return this.#inVain;
  }

  /** A notification came: look now, or as soon as the rate allows. */
  ask(): void {
    this.#sinceFound += 1;
    if (this.#sinceFound > this.#inARow) {
      this.#inVain += 1;
    }
    if (this.#isPending) {
      return;
    }
    this.#isPending = true;
    const waitMs = this.#waitMs();
    if (waitMs === 0) {
      this.#look();
    } else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#look();
      }, waitMs);
    }
  }

  /** A look starts, for whatever reason: a notification from now on asks for another one. */
  start(): void {
    if (this.#isPending) {
      this.#isPending = false;
      this.#refill();
      this.#left = Math.max(0, this.#left - 1);
      this.#stopWaiting();
    }
  }

  /** It found something: the next looks are not limited. */
  found(): void {
    this.#left = this.#inARow;
    this.#sinceFound = 0;
  }

  close(): void {
    this.#isPending = true;
    this.#stopWaiting();
  }

  #waitMs(): number {
    this.#refill();
    return this.#left >= 1 ? 0 : (1 - this.#left) * this.#everyMs;
  }

  #refill(): void {
    const now = performance.now();
    this.#left = Math.min(this.#inARow, this.#left + (now - this.#refilledAt) / this.#everyMs);
    this.#refilledAt = now;
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

const FLOOD_LOG_MS = 60_000;
/**
 * More in a minute are logged. Of several workers that a notification wakes, one finds the task.
 */
const IN_VAIN_MAX = 10_000;

/** Logs once a minute that notifications come in a flood, and how many. */
export class FloodLog {
  readonly #logger: Logger;
  readonly #watched = new Set<Pick<NotificationThrottle, "inVain">>();
  readonly #timer: NodeJS.Timeout;
  #logged = 0;

  constructor(logger: Logger, { everyMs = FLOOD_LOG_MS }: { everyMs?: number } = {}) {
    this.#logger = logger;
    this.#timer = setInterval(() => this.log(), everyMs).unref();
  }

  /** Count the notifications of this one, to the end. */
  watch(throttle: Pick<NotificationThrottle, "inVain">): void {
    this.#watched.add(throttle);
  }

  log(): void {
    const inVain = [...this.#watched].reduce((sum, throttle) => sum + throttle.inVain, 0);
    const notifications = inVain - this.#logged;
    this.#logged = inVain;
    if (notifications > IN_VAIN_MAX) {
      this.#logger.warn(
        {
          notifications,
          hint: "who sends them? pg_stat_activity has the last statement of each session",
        },
        "a flood of notifications: nothing was found after them",
      );
    }
  }

  /** Log what came since the last time, and no more. */
  close(): void {
    clearInterval(this.#timer);
    this.log();
  }
}
