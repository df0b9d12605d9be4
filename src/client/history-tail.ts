import { setImmediate } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { lookAtHistory, newestTransition, readTransitions } from "../database/history.ts";
import type { HistoryLook, Transition } from "../database/rows.ts";
import { RetryDelay } from "../system/retry.ts";
import { sleep } from "../system/waiting.ts";
import {
  FollowEnded,
  Follower,
  type FollowFilter,
  type HistoryPage,
  UnknownTransition,
} from "./follower.ts";
import { HistoryHorizon } from "./history-horizon.ts";

export type TailLimits = {
  /** How often history is looked at while somebody follows. */
  readonly pollMs: number;
  /** The same while nobody does, and somebody watches. */
  readonly watchMs: number;
  /** The same while transactions are about to commit what others wait for, and how often at most. */
  readonly againMs: number;
  readonly againMax: number;
  /** Of one answer of the database. */
  readonly rowsMax: number;
  /** What a follower has not taken yet, of objects that all share; one further behind is cut. */
  readonly waitingMax: number;
  /** Rows that are not passed yet when a follower begins; beyond that, late ones are left out. */
  readonly lateMax: number;
  /** A transaction that stays for longer does not keep the events of single tasks back. */
  readonly heldMs: number;
};

export const TAIL_LIMITS: TailLimits = {
  pollMs: 100,
  watchMs: 500,
  againMs: 20,
  againMax: 4,
  rowsMax: 1_000,
  waitingMax: 10_000,
  lateMax: 5_000,
  heldMs: 500,
};

/** Runs its work on the queue's database, with the right to look. */
type Read = <Result>(work: (db: Database) => Promise<Result>) => Promise<Result>;

/** Where the database does not answer. */
const RECONNECT_DELAYS = { baseMs: 100, maxMs: 5_000 };
/** Followed tasks of one statement. */
const TASKS_MAX = 500;

/**
 * Tells of every transition, each once, in the order of history, however many follow: history is
 * read once for all of them, and not at all while nobody does. A transition is told once no
 * transaction is open that could still record an earlier one; those of a single task, whose order
 * its row keeps, do not wait for that.
 */
export class HistoryTail {
  readonly #read: Read;
  readonly #readMissed: Read;
  readonly #onAway: ((reason: unknown) => void) | undefined;
  readonly #limits: TailLimits;
  readonly #stop = new AbortController();
  readonly #followers = new Set<Follower>();
  readonly #watchers = new Set<() => void>();
  readonly #ofTasks = new Map<string, Set<Follower>>();
  #horizon: HistoryHorizon | null = null;
  #look: HistoryLook | null = null;
  /** Every row up to this id was told. */
  #told = 0n;
  /** When passed rows last were all that there are. */
  #completeAt = 0;
  #heldAt = 0;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;
  #loop: Promise<void> | null = null;
  #isAway = false;

  /** `readMissed` is for what one follower has missed; as `read` unless given. */
  constructor(options: {
    readonly read: Read;
    readonly readMissed?: Read;
    /** Called where the database does not answer any more, and with null when it does again. */
    readonly onAway?: (reason: unknown) => void;
    readonly limits?: Partial<TailLimits>;
  }) {
    this.#onAway = options.onAway;
    this.#read = options.read;
    this.#readMissed = options.readMissed ?? options.read;
    this.#limits = { ...TAIL_LIMITS, ...options.limits };
  }

  /**
   * Have `grown` called when there are new transitions, until the signal aborts. None of them is
   * read for it, so that it costs the same however many there are.
   */
  watch(grown: () => void, signal: AbortSignal): void {
    if (signal.aborted || this.#stop.signal.aborted) {
      return;
    }
    const watcher = () => grown();
    this.#watchers.add(watcher);
    signal.addEventListener("abort", () => this.#watchers.delete(watcher), { once: true });
    this.#loop ??= this.#run();
  }

  /** How many follow. */
  get size(): number {
    return this.#followers.size;
  }

  /** Whether the database did not answer the last look. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Milliseconds since all rows had been told that there are; infinite while nobody follows. */
  get behindMs(): number {
    return this.#loop === null ? Number.POSITIVE_INFINITY : performance.now() - this.#completeAt;
  }

  /**
   * Follow from now on, or from behind the transition `after`, until the signal aborts. Whoever
   * iterates gets what fits the filter; the iteration ends with the signal, and throws a FollowEnded
   * for a follower that is too slow, and when the tail closes. Rejects with an UnknownTransition,
   * and with what the database throws where it cannot be asked.
   */
  async begin(filter: FollowFilter, signal: AbortSignal): Promise<Follower> {
    if (this.#stop.signal.aborted) {
      throw new FollowEnded("closing");
    }
    const { after } = filter;
    const from = after === undefined ? null : idOf(after);
    const follower = new Follower(filter, {
      waitingMax: this.#limits.waitingMax,
      signal,
      leave: () => this.#leave(follower),
      isBehind: (cursor) => cursor < this.#told,
      catchUp: (cursor) => this.#catchUp(filter, cursor),
    });
    // At once, so that the tail does not end meanwhile.
    this.#followers.add(follower);
    try {
      await this.#fresh();
      this.#loop ??= this.#run();
      const look = this.#look;
      if (look === null) {
        throw new Error("expected a look at history, got none");
      }
      if (from === null) {
        await this.#beginNow(follower, look.drawnId);
      } else {
        await this.#refuseUnknown(from, filter, look);
        follower.beginAfter(from);
      }
      this.#index(follower, filter);
      return follower;
    } catch (err) {
      follower.end(err instanceof Error ? err : new Error(String(err)));
      this.#restIfAlone();
      throw err;
    }
  }

  /** The same, begun when the first transition is asked for. */
  async *follow(filter: FollowFilter, signal: AbortSignal): AsyncGenerator<Transition> {
    yield* await this.begin(filter, signal);
  }

  /** End all followers, and ask nothing more. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const follower of this.#followers) {
      follower.end(new FollowEnded("closing"));
    }
    await this.#loop;
    await this.#running.catch(() => undefined);
  }

  /** What is there is of the past, also where it is not passed yet; what commits later is not. */
  async #beginNow(follower: Follower, drawnId: bigint): Promise<void> {
    const { taskId } = follower.filter;
    if (taskId !== undefined) {
      follower.beginAfter(BigInt(await this.#readMissed((db) => newestTransition(db, taskId))));
      return;
    }
    const told = this.#told;
    if (told >= drawnId) {
      follower.beginAfter(told);
      return;
    }
    const limit = this.#limits.lateMax;
    const range = { after: told, until: drawnId, taskIds: null, limit };
    const rows = await this.#readMissed((db) => readTransitions(db, range));
    if (rows.length === limit) {
      follower.beginAfter(drawnId);
      return;
    }
    const past = rows.filter((row) => follower.wants(row)).map(({ id }) => id);
    follower.beginAfter(told, new Set(past));
  }

  async #refuseUnknown(
    from: bigint,
    { taskId }: FollowFilter,
    { drawnId, droppedId }: HistoryLook,
  ): Promise<void> {
    if (from > drawnId) {
      throw new UnknownTransition("not_there_yet", String(from));
    }
    if (from >= droppedId) {
      return;
    }
    // Of a task that has had none since, none is missing.
    const isMissing =
      taskId === undefined ||
      BigInt(await this.#readMissed((db) => newestTransition(db, taskId))) > from;
    if (isMissing) {
      throw new UnknownTransition("dropped", String(from));
    }
  }

  #index(follower: Follower, { taskId }: FollowFilter): void {
    if (taskId !== undefined && this.#followers.has(follower)) {
      this.#ofTasks.set(taskId, (this.#ofTasks.get(taskId) ?? new Set()).add(follower));
    }
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    const { taskId } = follower.filter;
    const others = taskId === undefined ? undefined : this.#ofTasks.get(taskId);
    others?.delete(follower);
    if (others?.size === 0 && taskId !== undefined) {
      this.#ofTasks.delete(taskId);
    }
  }

  /** What a follower that is behind the tail has missed: some of it, and how far that goes. */
  async #catchUp({ taskId }: FollowFilter, cursor: bigint): Promise<HistoryPage> {
    const delay = new RetryDelay(RECONNECT_DELAYS);
    for (;;) {
      try {
        const taskIds = taskId === undefined ? null : [taskId];
        return await this.#page(cursor, this.#told, taskIds, this.#readMissed);
      } catch (err) {
        if (this.#stop.signal.aborted) {
          throw err;
        }
        await sleep(delay.nextMs(), this.#stop.signal);
      }
    }
  }

  /** The next rows after an id, and up to which id no other is missing. */
  async #page(
    after: bigint,
    until: bigint,
    taskIds: readonly string[] | null,
    read: Read = this.#read,
  ): Promise<HistoryPage> {
    const limit = this.#limits.rowsMax;
    // Ids may be far apart, and dense again after that.
    for (let step = BigInt(limit); ; step *= 4n) {
      const end = taskIds !== null || after + step > until ? until : after + step;
      const range = { after, until: end, taskIds, limit };
      const rows = await read((db) => readTransitions(db, range));
      if (rows.length > 0 || end === until) {
        const last = rows.length < limit ? undefined : rows.at(-1);
        return { rows, until: last === undefined ? end : BigInt(last.id) };
      }
    }
  }

  /** Look again and again, until nobody follows or watches. */
  async #run(): Promise<void> {
    const delay = new RetryDelay(RECONNECT_DELAYS);
    const { signal } = this.#stop;
    let again = 0;
    const isAsked = () => this.#followers.size + this.#watchers.size > 0;
    while (isAsked() && !signal.aborted) {
      const { pollMs, watchMs, againMs, againMax } = this.#limits;
      const isFollowed = this.#followers.size > 0;
      again = this.#isComplete() || again >= againMax || !isFollowed ? 0 : again + 1;
      const pauseMs = again > 0 ? againMs : isFollowed ? pollMs : watchMs;
      await sleep(this.#isAway ? delay.nextMs() : pauseMs, signal);
      if (!isAsked()) {
        break;
      }
      try {
        await this.#fresh();
        delay.reset();
      } catch {
        // Whoever follows was told that it is away.
      }
    }
    this.#loop = null;
    this.#restIfAlone();
  }

  /** Nobody follows: whoever does later begins anew. */
  #restIfAlone(): void {
    if (this.#followers.size === 0 && this.#loop === null) {
      this.#horizon = null;
      this.#look = null;
    }
  }

  /** A round that begins after this call, shared by all who ask for one. */
  #fresh(): Promise<void> {
    this.#queued ??= (async () => {
      await this.#running.catch(() => undefined);
      this.#queued = null;
      this.#running = this.#round();
      await this.#running;
    })();
    return this.#queued;
  }

  /** Look once, and tell all that is passed. */
  async #round(): Promise<void> {
    try {
      const look = await this.#read(lookAtHistory);
      if (this.#look !== null && look.drawnId < this.#look.drawnId) {
        // A standby that had not got all of it has taken over.
        this.#endAll(new FollowEnded("went_back"));
        this.#horizon = null;
      }
      this.#setAway(false, null);
      const { drawnId = look.drawnId } = this.#look ?? {};
      const told = this.#told;
      this.#note(look);
      await this.#tellPassed();
      // What was drawn may commit later, and is passed then.
      if (look.drawnId > drawnId || this.#told > told) {
        for (const grown of this.#watchers) {
          grown();
        }
      }
      if (this.#isComplete()) {
        this.#completeAt = performance.now();
      } else if (
        performance.now() - Math.max(this.#completeAt, this.#heldAt) >
        this.#limits.heldMs
      ) {
        this.#heldAt = performance.now();
        await this.#tellTasks(look.drawnId);
      }
    } catch (err) {
      this.#setAway(true, err);
      throw err;
    }
  }

  #note(look: HistoryLook): void {
    if (this.#horizon === null) {
      const { drawnId, foldedId, writers } = look;
      const known = drawnId - BigInt(this.#limits.lateMax);
      this.#told = writers.length === 0 ? drawnId : foldedId > known ? foldedId : known;
      this.#horizon = new HistoryHorizon(this.#told);
      this.#completeAt = performance.now();
    }
    this.#look = look;
    this.#horizon.note(look);
  }

  #isComplete(): boolean {
    return this.#look === null || this.#told >= this.#look.drawnId;
  }

  async #tellPassed(): Promise<void> {
    const passed = this.#horizon?.passed ?? 0n;
    while (this.#told < passed) {
      const isOfTasks = [...this.#followers].every(({ filter }) => filter.taskId !== undefined);
      const taskIds = [...this.#ofTasks.keys()];
      const isFew = isOfTasks && taskIds.length <= TASKS_MAX;
      const { rows, until } =
        isFew && taskIds.length === 0
          ? { rows: [], until: passed }
          : await this.#page(this.#told, passed, isFew ? taskIds : null);
      for (const row of rows) {
        this.#tell(row, this.#followers);
      }
      this.#told = until;
      // They take it before there is more.
      await setImmediate();
    }
  }

  /** What is there of single tasks, whose ids are in order, while others are held back. */
  async #tellTasks(until: bigint): Promise<void> {
    const taskIds = [...this.#ofTasks.keys()];
    for (let place = 0; place < taskIds.length; place += TASKS_MAX) {
      const some = taskIds.slice(place, place + TASKS_MAX);
      let after = this.#told;
      while (after < until) {
        const page = await this.#page(after, until, some);
        for (const row of page.rows) {
          this.#tell(row, this.#ofTasks.get(row.task_id) ?? []);
        }
        after = page.until;
      }
    }
  }

  #tell(row: Transition, all: Iterable<Follower>): void {
    const id = BigInt(row.id);
    for (const follower of all) {
      follower.offer(row, id);
    }
  }

  #endAll(reason: Error): void {
    for (const follower of this.#followers) {
      follower.end(reason);
    }
  }

  #setAway(isAway: boolean, reason: unknown): void {
    if (this.#isAway !== isAway) {
      this.#isAway = isAway;
      this.#onAway?.(reason);
      for (const follower of this.#followers) {
        follower.filter.onAway?.(isAway);
      }
    }
  }
}

function idOf(text: string): bigint {
  if (!/^(?:0|[1-9]\d{0,18})$/.test(text)) {
    throw new UnknownTransition("not_an_id", text);
  }
  return BigInt(text);
}
