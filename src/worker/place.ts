import type { Bound } from "../lane.ts";

/** How far a worker has come in one lane. */
export class Place {
  readonly #near: Trail;
  readonly #far: Trail;
  #newest: Bound | undefined;

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
    this.#near.note(this.#newest, now);
    this.#far.note(this.#newest, now);
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
