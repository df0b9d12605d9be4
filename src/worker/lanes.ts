import { type Bound, type Lane, PRIORITIES } from "../lane.ts";
import type { ClaimedTask } from "../task.ts";
import { startAnywhere } from "./start-anywhere.ts";

/** A bound trails by so much, for transactions that commit a little late. */
const TRAIL_MS = 100;
/** Full sweeps are at least so far apart … */
const SWEEP_MS_MIN = 200;
/** … and take at most one part in so many of the time. */
const SWEEP_SHARE = 20;

/**
 * The lanes of one worker, in the order of a claim, each with the place that the worker
 * has come to.
 *
 * Under a long transaction no dead entry can be removed, and a claim from the start of a
 * lane reads all of them again: 50,000 tasks a round, 6,400 -> 800 a second after six
 * rounds; with bounds 10,300 -> 14,000, flat. A bound may hide a task that committed late
 * or whose run_at was set back, so now and then a sweep claims without. The dearer a
 * sweep is, the rarer.
 */
export class Lanes {
  readonly #lanes: OpenLane[];
  readonly #byName: ReadonlyMap<string, OpenLane>;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #sweepEveryMs = SWEEP_MS_MIN;
  #sweepTookMs = 0;

  constructor(queues: readonly string[], taskTypes: readonly string[]) {
    this.#lanes = PRIORITIES.flatMap((priority) =>
      queues.flatMap((queue) =>
        taskTypes.map((taskType) => ({ queue, taskType, priority, place: new Place() })),
      ),
    );
    this.#byName = new Map(this.#lanes.map((lane) => [nameOf(lane), lane]));
  }

  /** Milliseconds until a sweep is due; 0 when it is. */
  sweepDueInMs(now: number): number {
    return Math.max(0, this.#sweptAt + this.#sweepEveryMs - now);
  }

  /**
   * The lanes to claim from, the highest priority first, without those of `full` types.
   * Within a priority each may come first, so that none starves the others.
   */
  next(now: number, options: { sweep: boolean; full: ReadonlySet<string> }): Lane[] {
    const open = this.#lanes.filter((lane) => !options.full.has(lane.taskType));
    return PRIORITIES.flatMap((priority) =>
      startAnywhere(open.filter((lane) => lane.priority === priority)),
    ).map(({ queue, taskType, priority, place }) => ({
      queue,
      taskType,
      priority,
      after: options.sweep ? undefined : place.bound(now),
    }));
  }

  /** Remember how far a claim came, and what it cost if it was a sweep. */
  claimed(
    tasks: readonly ClaimedTask[],
    options: { now: number; tookMs: number; sweep: boolean },
  ): void {
    if (options.sweep) {
      this.#sweptAt = options.now;
      // The cheaper one of two: the first of a session also pays for its plans.
      const costMs = Math.min(options.tookMs, this.#sweepTookMs);
      this.#sweepTookMs = options.tookMs;
      this.#sweepEveryMs = Math.max(SWEEP_MS_MIN, SWEEP_SHARE * costMs);
    }
    for (const task of tasks) {
      this.#byName
        .get(nameOf(task))
        ?.place.reached({ runAt: task.runAt, taskId: task.taskId }, options.now);
    }
  }
}

type OpenLane = Lane & { readonly place: Place };

/** NUL cannot occur in a name that PostgreSQL stores. */
function nameOf(lane: Pick<Lane, "queue" | "taskType" | "priority">): string {
  return `${lane.priority}\0${lane.queue}\0${lane.taskType}`;
}

/** How far a worker came in one lane, in two steps, so that the bound trails. */
class Place {
  #bound: Bound | undefined;
  #next: { bound: Bound; since: number } | undefined;
  #newest: Bound | undefined;

  bound(now: number): Bound | undefined {
    if (this.#next !== undefined && now - this.#next.since >= TRAIL_MS) {
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
