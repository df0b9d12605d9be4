/**
 * From which lanes a worker claims, in which order, and after which bound of each.
 */

import { type ClaimedTask, type Lane, type LaneBound, PRIORITIES } from "../model/task.ts";

/** A bound trails by so much, for transactions that commit a little late … */
const TRAIL_MS = 100;
/** … and the bound of a look back by so much, for those that take their time. */
const LOOK_BACK_MS = 2_000;
const LOOK_BACK_MS_MIN = 200;
/** Sweeps are at least so far apart, which is the poll of a worker at rest … */
const SWEEP_MS_MIN = 1_000;
/** … and each of the two takes at most one part in so many of the time. */
const LOOK_SHARE = 20;
/** Of more lanes than these, a busy worker leaves out those in which there was nothing … */
const LANES_FEW = 100;
/** … so long ago. What it holds by then is as much as it starts within that time. */
const EMPTY_MS = 100;

/**
 * How much of a lane a claim looks at: tasks after the bound, also those up to some seconds
 * before it, or, in a sweep, all.
 */
type ClaimDepth = "new" | "recent" | "all";

/**
 * The lanes of one worker, in the order of a claim, each with the position that the worker has
 * reached.
 *
 * Under a long transaction no dead entry can be removed, and a claim from the start of a
 * lane reads all of them again: 50,000 tasks a round, 6,400 -> 800 a second after six
 * rounds; with bounds 10,300 -> 14,000, flat. A bound may hide a task that committed late
 * or whose run_at was set back, so now and then a claim looks back, and more rarely a sweep
 * looks at all. The dearer these are, the rarer. Beside a backlog of millions a sweep reads the
 * dead entries that wait for vacuum, and sweeps alone, five times a second, made the p99 of a
 * claim 1.7 times that of an empty table (npm run bench -- backlog). A look back reads what all
 * workers took in two to four seconds, and each of sixteen looks back.
 */
export class Lanes {
  readonly #lanes: OpenLane[];
  readonly #byName: ReadonlyMap<string, OpenLane>;
  readonly #lookBacks = new Looks(LOOK_BACK_MS_MIN);
  readonly #sweeps = new Looks(SWEEP_MS_MIN);
  /** The lanes of the newest claim, and whether it found as much as it asked for. */
  #asked: readonly OpenLane[] = [];
  #isBusy = false;

  constructor(queues: readonly string[], taskTypes: readonly string[]) {
    this.#lanes = PRIORITIES.flatMap((priority) =>
      queues.flatMap((queue) => taskTypes.map((taskType) => open({ queue, taskType, priority }))),
    );
    this.#byName = new Map(this.#lanes.map((lane) => [laneKey(lane), lane]));
  }

  /** Milliseconds until a sweep is due; 0 when it is. */
  sweepDueInMs(now: number): number {
    return this.#sweeps.dueInMs(now);
  }

  /** How deep the next claim should look. */
  depth(now: number): ClaimDepth {
    if (this.sweepDueInMs(now) === 0) {
      return "all";
    }
    return this.#lookBacks.dueInMs(now) === 0 ? "recent" : "new";
  }

  /**
   * The lanes to claim from, the highest priority first, without those of `full` types, and
   * with `only` none but these. Within a priority each may come first, so that none starves
   * the others.
   */
  next(
    now: number,
    {
      depth,
      full,
      only = null,
    }: { depth: ClaimDepth; full: ReadonlySet<string>; only?: ReadonlySet<string> | null },
  ): Lane[] {
    // Looking into 2,000 empty lanes takes as long as claiming 500 tasks.
    const skipsEmpty = this.#isBusy && depth === "new" && this.#lanes.length > LANES_FEW;
    const lanes = (only === null ? this.#lanes : this.#named(only)).filter(
      (lane) => !full.has(lane.taskType) && !(skipsEmpty && now - lane.emptyAt < EMPTY_MS),
    );
    this.#asked = PRIORITIES.flatMap((priority) =>
      startAnywhere(lanes.filter((lane) => lane.priority === priority)),
    );
    return this.#asked.map(({ queue, taskType, priority, position }) => ({
      queue,
      taskType,
      priority,
      after: depth === "all" ? undefined : position.bound(depth === "new" ? "near" : "far", now),
    }));
  }

  /**
   * Remember how far the claim from the lanes of `next` came, whether there may be `more`, and
   * what it cost if it was a sweep.
   */
  claimed(
    tasks: readonly ClaimedTask[],
    { now, tookMs, depth, more }: { now: number; tookMs: number; depth: ClaimDepth; more: boolean },
  ): void {
    if (depth !== "new") {
      this.#lookBacks.looked(now, tookMs);
    }
    if (depth === "all") {
      this.#sweeps.looked(now, tookMs);
    }
    const found = new Set<OpenLane>();
    let lane: OpenLane | undefined;
    for (const task of tasks) {
      // Of those that a claim brings, most are of the lane of the one before.
      if (lane === undefined || !isOfLane(task, lane)) {
        lane = this.#byName.get(laneKey(task));
      }
      if (lane !== undefined) {
        found.add(lane);
        lane.position.reached({ runAt: task.runAt, taskId: task.taskId }, now);
      }
    }
    if (depth === "all") {
      for (const { position } of found) position.swept(now);
    }
    this.#isBusy = more;
    if (this.#lanes.length > LANES_FEW) {
      this.#noteEmpty(found, now);
    }
  }

  #named(names: ReadonlySet<string>): OpenLane[] {
    return [...names].flatMap((name) => this.#byName.get(name) ?? []);
  }

  /** A claim that found as much as it asked for looked no further than its last task. */
  #noteEmpty(found: ReadonlySet<OpenLane>, now: number): void {
    const looked = this.#isBusy
      ? this.#asked.slice(
          0,
          this.#asked.findLastIndex((lane) => found.has(lane)),
        )
      : this.#asked;
    for (const lane of looked) {
      lane.emptyAt = found.has(lane) ? Number.NEGATIVE_INFINITY : now;
    }
  }
}

/** When the next look of a kind is due: the dearer they are, the rarer. */
class Looks {
  readonly #everyMsMin: number;
  #everyMs: number;
  #at = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  constructor(everyMsMin: number) {
    this.#everyMsMin = everyMsMin;
    this.#everyMs = everyMsMin;
  }

  /** 0 when it is. */
  dueInMs(now: number): number {
    return Math.max(0, this.#at + this.#everyMs - now);
  }

  looked(now: number, tookMs: number): void {
    this.#at = now;
    // The cheaper one of two: the first of a session also pays for its plans.
    this.#everyMs = Math.max(this.#everyMsMin, LOOK_SHARE * Math.min(tookMs, this.#tookMs));
    this.#tookMs = tookMs;
  }
}

type OpenLane = Lane & {
  readonly position: LanePosition;
  /** When a claim found nothing in it. */
  emptyAt: number;
};

function open(lane: Lane): OpenLane {
  return {
    ...lane,
    position: new LanePosition({ near: TRAIL_MS, far: LOOK_BACK_MS }),
    emptyAt: Number.NEGATIVE_INFINITY,
  };
}

/** A name for each lane: NUL cannot occur in what PostgreSQL stores. */
export function laneKey(lane: Pick<Lane, "queue" | "taskType" | "priority">): string {
  return `${lane.priority}\0${lane.queue}\0${lane.taskType}`;
}

function isOfLane(task: ClaimedTask, { queue, taskType, priority }: Lane): boolean {
  return task.taskType === taskType && task.queue === queue && task.priority === priority;
}

/** How far a worker has come in one lane. */
class LanePosition {
  readonly #near: Trail;
  readonly #far: Trail;
  #newest: LaneBound | undefined;
  /** The furthest since the last sweep ended. */
  #sinceSweep: LaneBound | undefined;

  /** Milliseconds by which the two bounds trail. */
  constructor(trailMs: { readonly near: number; readonly far: number }) {
    this.#near = new Trail(trailMs.near);
    this.#far = new Trail(trailMs.far);
  }

  bound(which: "near" | "far", now: number): LaneBound | undefined {
    return (which === "near" ? this.#near : this.#far).bound(now);
  }

  reached(bound: LaneBound, now: number): void {
    if (this.#newest === undefined || isBefore(this.#newest, bound)) {
      this.#newest = bound;
    }
    if (this.#sinceSweep === undefined || isBefore(this.#sinceSweep, bound)) {
      this.#sinceSweep = bound;
    }
    this.#near.note(this.#newest, now);
    this.#far.note(this.#newest, now);
  }

  /**
   * A sweep has ended. If all that was reached since the last one lies before the position, the
   * server's clock has gone back: each task would wait for a sweep of its own until that time comes
   * again. So the position goes back too.
   */
  swept(now: number): void {
    const reached = this.#sinceSweep;
    this.#sinceSweep = undefined;
    if (reached !== undefined && this.#newest !== undefined && isBefore(reached, this.#newest)) {
      this.#newest = reached;
      this.#near.startOver();
      this.#far.startOver();
      this.reached(reached, now);
      this.#sinceSweep = undefined;
    }
  }
}

/** The position of some time ago: `trailMs` to twice that. */
class Trail {
  readonly #trailMs: number;
  #bound: LaneBound | undefined;
  #next: { bound: LaneBound; since: number } | undefined;

  constructor(trailMs: number) {
    this.#trailMs = trailMs;
  }

  bound(now: number): LaneBound | undefined {
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

  note(bound: LaneBound, now: number): void {
    this.#next ??= { bound, since: now };
  }
}

/**
 * Timestamps of one session are text of one form and zone, so they compare as text; and so do ids
 * of as many digits, of which none is negative.
 */
function isBefore(earlier: LaneBound, later: LaneBound): boolean {
  if (earlier.runAt !== later.runAt) {
    return earlier.runAt < later.runAt;
  }
  const digits = earlier.taskId.length - later.taskId.length;
  return digits === 0 ? earlier.taskId < later.taskId : digits < 0;
}

/**
 * The same items in their order, from one that chance picks, so that none comes first for ever.
 * Counting turns instead would keep step with whatever else counts: with two rounds in turn, each
 * of two items, one item of each was always first.
 */
export function startAnywhere<Item>(
  items: readonly Item[],
  random: () => number = Math.random,
): Item[] {
  const start = Math.floor(random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
