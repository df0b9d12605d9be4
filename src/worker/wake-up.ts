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

/** So many lanes are remembered as the bell names them: reading one anew takes 0.04 ms at rest. */
const REMEMBERED_MAX = 1_000;
/** More lanes than these are as many as all: anybody can notify, and of any. */
const NAMED_MAX = 100;
/** No name of a lane is longer, whatever it has escaped. */
const NOTIFICATION_LENGTH_MAX = 4_096;

const NotifiedLane = z.tuple([z.string(), z.string(), z.int()]);

/**
 * The lanes in which tasks came, as the bell named them. A worker of a hundred task types that
 * looks into one of its lanes, and not into all 400, starts a task after 3.7 ms instead of 5.4
 * (bench latency, with as many handlers).
 *
 * They are all that is new only for a worker that looked everywhere after it had armed the
 * bell, left nothing there and has slept since: who is awake is not rung for.
 */
export class NotifiedLanes {
  readonly #pollIntervalMs: number;
  readonly #remembered = new Map<string, string | null>();
  readonly #names = new Set<string>();
  /** Somebody rang without a name. */
  #anywhere = false;
  #only: ReadonlySet<string> | null = null;
  #hears = false;
  #everywhereAt = Number.NEGATIVE_INFINITY;

  constructor(pollIntervalMs: number) {
    this.#pollIntervalMs = pollIntervalMs;
  }

  /** The bell rang: `said` is a lane as JSON, or empty. */
  rang(said: string): void {
    if (this.#anywhere) {
      return;
    }
    const name = this.#names.size < NAMED_MAX ? this.#laneIn(said) : null;
    if (name === null) {
      this.#anywhere = true;
    } else {
      this.#names.add(name);
    }
  }

  /** The worker looks for tasks now: into these lanes, or for null into all of them. */
  look({ now, armed }: { now: number; armed: boolean }): ReadonlySet<string> | null {
    const names = this.#take();
    this.#only = this.#hears && armed && this.everywhereInMs(now) > 0 ? names : null;
    this.#hears = false;
    return this.#only;
  }

  /** It has left nothing where it looked and goes to sleep; `hears` if it is rung for. */
  sleeps({ now, hears }: { now: number; hears: boolean }): void {
    this.#hears = hears;
    if (this.#only === null) this.#everywhereAt = now;
  }

  /** What falls due where nobody rings waits for a poll, and no longer, whoever else rings. */
  everywhereInMs(now: number): number {
    return Math.max(0, this.#everywhereAt + this.#pollIntervalMs - now);
  }

  #laneIn(said: string): string | null {
    const remembered = this.#remembered.get(said);
    if (remembered !== undefined) {
      return remembered;
    }
    if (this.#remembered.size === REMEMBERED_MAX) this.#remembered.clear();
    const name = laneNamedIn(said);
    this.#remembered.set(said, name);
    return name;
  }

  #take(): ReadonlySet<string> | null {
    const names = this.#anywhere || this.#names.size === 0 ? null : new Set(this.#names);
    this.#names.clear();
    this.#anywhere = false;
    return names;
  }
}

function laneNamedIn(said: string): string | null {
  if (said === "" || said.length > NOTIFICATION_LENGTH_MAX) return null;
  try {
    const { data } = NotifiedLane.safeParse(JSON.parse(said));
    if (data === undefined) return null;
    const [queue, taskType, priority] = data;
    return laneKey({ queue, taskType, priority });
  } catch {
    return null;
  }
}

/**
 * How often notifications have a worker look for something. Anybody who may connect can notify,
 * as often as he likes and whatever he likes. So however many come, there is at most one look that
 * is asked for and not begun, and looks that find nothing are made at a limited rate, beyond some
 * that may come in a row.
 */
export class NotificationThrottle {
  readonly #look: () => void;
  readonly #inARow: number;
  readonly #everyMs: number;
  #left: number;
  #refilledAt = performance.now();
  #isAsked = false;
  #timer: NodeJS.Timeout | undefined;
  #inVain = 0;
  #sinceFound = 0;

  constructor(look: () => void, { inARow, perSecond }: { inARow: number; perSecond: number }) {
    this.#look = look;
    this.#inARow = inARow;
    this.#left = inARow;
    this.#everyMs = 1_000 / perSecond;
  }

  /** Notifications without anything to find, but for some in a row. */
  get inVain(): number {
    return this.#inVain;
  }

  /** Somebody notified: look now, or as soon as that may be. */
  ask(): void {
    this.#sinceFound += 1;
    if (this.#sinceFound > this.#inARow) {
      this.#inVain += 1;
    }
    if (this.#isAsked) {
      return;
    }
    this.#isAsked = true;
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

  /** A look begins, whoever wanted it: what is notified from now on asks for another one. */
  begin(): void {
    if (this.#isAsked) {
      this.#isAsked = false;
      this.#refill();
      this.#left = Math.max(0, this.#left - 1);
      this.#stopWaiting();
    }
  }

  /** It found something: the next ones are worth it. */
  found(): void {
    this.#left = this.#inARow;
    this.#sinceFound = 0;
  }

  close(): void {
    this.#isAsked = true;
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
/** More in a minute are told of. Of several workers that the bell wakes, one finds the task. */
const IN_VAIN_MAX = 10_000;

/** Says once a minute that notifications come in a flood, with how many. */
export class FloodLog {
  readonly #logger: Logger;
  readonly #watched = new Set<Pick<NotificationThrottle, "inVain">>();
  readonly #timer: NodeJS.Timeout;
  #toldOf = 0;

  constructor(logger: Logger, { everyMs = FLOOD_LOG_MS }: { everyMs?: number } = {}) {
    this.#logger = logger;
    this.#timer = setInterval(() => this.tell(), everyMs).unref();
  }

  /** Count what these are asked in vain, to the end. */
  watch(looks: Pick<NotificationThrottle, "inVain">): void {
    this.#watched.add(looks);
  }

  tell(): void {
    const inVain = [...this.#watched].reduce((sum, looks) => sum + looks.inVain, 0);
    const notifications = inVain - this.#toldOf;
    this.#toldOf = inVain;
    if (notifications > IN_VAIN_MAX) {
      this.#logger.warn(
        {
          notifications,
          hint: "who sends them? pg_stat_activity has the last statement of each session",
        },
        "a flood of notifications: nothing was there to be found",
      );
    }
  }

  /** The last word, and no other. */
  close(): void {
    clearInterval(this.#timer);
    this.tell();
  }
}
