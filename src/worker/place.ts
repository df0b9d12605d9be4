import type { Bound } from "../lane.ts";

/** How far a worker came in one lane, some time ago: the bound trails by `trailMs` to twice that. */
export class Place {
  readonly #trailMs: number;
  #bound: Bound | undefined;
  #next: { bound: Bound; since: number } | undefined;
  #newest: Bound | undefined;

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

  reached(bound: Bound, now: number): void {
    if (this.#newest === undefined || isBehind(this.#newest, bound)) {
      this.#newest = bound;
    }
    this.#next ??= { bound: this.#newest, since: now };
  }
}

/** Timestamps of one session are text of one form and zone, so they compare as text. */
function isBehind(earlier: Bound, later: Bound): boolean {
  return earlier.runAt === later.runAt
    ? BigInt(earlier.taskId) < BigInt(later.taskId)
    : earlier.runAt < later.runAt;
}
