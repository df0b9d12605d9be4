/**
 * What keeps open pages current. They are told that something changed, not what: each reads its
 * own address again, and all that show the same share what one of them has read (SharedReads). One
 * look at where history ends serves all of them, and reads no transition.
 */
import { randomUUID } from "node:crypto";
import type { HistoryTail } from "../client/history-tail.ts";
import type { DatabaseHealth, HealthState } from "../database/health.ts";

/** While nothing is told, a page may be so many milliseconds old. */
const EVERY_MS = 5_000;
/** A change is told so long after the one before at the earliest. */
const APART_MS = 700;
/** So many changes are told as they come; after that, one every 5 s until it is calm again. */
const BURST_MAX = 6;
/** How often it is looked whether there is something to tell. */
const LOOK_MS = 250;

export type LiveEvent =
  /** Of a server, its database, and when that was found. */
  | { readonly event: "server"; readonly server: string; readonly database: HealthState }
  /** Something happened to some task. */
  | { readonly event: "changed" }
  /** 5 s are over, in which things may have changed that no transition tells. */
  | { readonly event: "tick" };

/** One for a process. It asks nothing while nobody listens. */
export class LiveChannel {
  /** Of this start of the process: a page that finds another one is read anew. */
  readonly server = randomUUID();
  readonly #tail: Pick<HistoryTail, "watch" | "isAway">;
  readonly #health: Pick<DatabaseHealth, "state">;
  readonly #outdate: () => void;
  readonly #listeners = new Set<(event: LiveEvent) => void>();
  #watching: AbortController | null = null;
  #hasChanged = false;
  #toldAt = 0;
  #tickedAt = 0;
  /** How many changes may be told before it is one every 5 s. */
  #credit = BURST_MAX;
  #database: HealthState = "healthy";

  constructor(options: {
    readonly tail: Pick<HistoryTail, "watch" | "isAway">;
    readonly health: Pick<DatabaseHealth, "state">;
    /** Called before a change is told: what was read until then is old. */
    readonly outdate: () => void;
  }) {
    this.#tail = options.tail;
    this.#health = options.health;
    this.#outdate = options.outdate;
  }

  /** Tell from now on, first how the server is, until the signal aborts. */
  listen(tell: (event: LiveEvent) => void, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    this.#listeners.add(tell);
    signal.addEventListener("abort", () => this.#leave(tell), { once: true });
    this.#watch();
    tell({ event: "server", server: this.server, database: this.#state() });
  }

  /** Something that pages show is new, and no transition tells of it. */
  noteChange(): void {
    this.#hasChanged = true;
  }

  #leave(tell: (event: LiveEvent) => void): void {
    this.#listeners.delete(tell);
    if (this.#listeners.size === 0) {
      this.#watching?.abort();
      this.#watching = null;
    }
  }

  #watch(): void {
    if (this.#watching !== null) {
      return;
    }
    const watching = new AbortController();
    this.#watching = watching;
    this.#database = this.#state();
    this.#tickedAt = performance.now();
    this.#tail.watch(() => (this.#hasChanged = true), watching.signal);
    const beats = setInterval(() => this.#beat(), LOOK_MS);
    watching.signal.addEventListener("abort", () => clearInterval(beats), { once: true });
  }

  #beat(): void {
    const now = performance.now();
    const database = this.#state();
    if (database !== this.#database) {
      this.#database = database;
      this.#tell({ event: "server", server: this.server, database });
    }
    const sinceTick = now - this.#tickedAt;
    if (sinceTick >= EVERY_MS) {
      this.#tickedAt = now;
      this.#credit = Math.min(BURST_MAX, this.#credit + 1);
    }
    if (this.#hasChanged && this.#credit > 0 && now - this.#toldAt >= APART_MS) {
      this.#hasChanged = false;
      this.#toldAt = now;
      this.#credit -= 1;
      this.#outdate();
      this.#tell({ event: "changed" });
    } else if (sinceTick >= EVERY_MS) {
      this.#tell({ event: "tick" });
    }
  }

  /** The tail finds out within a moment that nothing answers, the questions of health after some. */
  #state(): HealthState {
    return this.#tail.isAway && this.#health.state === "healthy" ? "degraded" : this.#health.state;
  }

  #tell(event: LiveEvent): void {
    for (const tell of this.#listeners) {
      tell(event);
    }
  }
}
