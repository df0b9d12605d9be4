import type { Bound } from "../lane.ts";

/** How far a worker has come in one lane. */
export class Place {
  readonly #near: Trail;
  readonly #far: Trail;
  #newest: Bound | undefined;
  /** The furthest since the last sweep ended. */
  #sinceSweep: Bound | undefined;

  /** Milliseconds by which the two bounds trail. */
  constructor(trailMs: { readonly near: number; readonly far: number }) {
    this.#near = new Trail(trailMs.near);
    this.#far = new Trail(trailMs.far);
  }

  bound(which: "near" | "far", now: number): Bound | undefined {
    return (which === "near" ? this.#near : this.#far).bound(now);
  }

  reached(bound: Bound, now: number): void {
    if (this.#newest === undefined || isBehind(this.#newest, bound)) {
      this.#newest = bound;
    }
    if (this.#sinceSweep === undefined || isBehind(this.#sinceSweep, bound)) {
      this.#sinceSweep = bound;
    }
    this.#near.note(this.#newest, now);
    this.#far.note(this.#newest, now);
  }

  /**
   * What was reached since the last call was found by looks at what is new, and by a look at all.
   * If it all lies behind, the server's clock has gone back: each task would wait for a sweep of its
   * own until that time comes again. So go back too.
   */
  swept(now: number): void {
    const reached = this.#sinceSweep;
    this.#sinceSweep = undefined;
    if (reached !== undefined && this.#newest !== undefined && isBehind(reached, this.#newest)) {
      this.#newest = reached;
      this.#near.startOver();
      this.#far.startOver();
      this.reached(reached, now);
      this.#sinceSweep = undefined;
    }
  }
}

/** Where it was some time ago: `trailMs` to twice that. */
class Trail {
  readonly #trailMs: number;
  #bound: Bound | undefined;
  #next: { bound: Bound; since: number } | undefined;

  constructor(trailMs: number) {
    this.#trailMs = trailMs;
  }

  bound(now: number): Bound | undefined {
    if (this.#next !== undefined && now - this.#next.since >= this.#trailMs) {
      this.#bound = this.#next.bound;
      this.#next = undefined;
    }
    return this.#bound;
  }

  startOver(): void {
    this.#bound = undefined;
    this.#next = undefined;
  }

  note(bound: Bound, now: number): void {
    this.#next ??= { bound, since: now };
  }
}

/** Timestamps of one session are text of one form and zone, so they compare as text. */
function isBehind(earlier: Bound, later: Bound): boolean {
  return earlier.runAt === later.runAt
    ? BigInt(earlier.taskId) < BigInt(later.taskId)
    : earlier.runAt < later.runAt;
}
