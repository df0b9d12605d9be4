/**
 * The attempts that a worker has started, in memory that it shares with its heartbeat thread. A
 * chapter of its own: the thread reads it without the rest of the worker.
 */

import type { Attempt } from "../model/task.ts";

/** Memory that a worker and its heartbeat thread both see. */
export type StartedAttemptsMemory = {
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly states: Int32Array<SharedArrayBuffer>;
  readonly taskIds: BigInt64Array<SharedArrayBuffer>;
  readonly attempts: Int32Array<SharedArrayBuffer>;
  readonly deadlines: Float64Array<SharedArrayBuffer>;
};

/** An attempt that is under way, and when it should have ended, by `clockMs`. */
export type StartedAttempt = Attempt & {
  readonly index: number;
  readonly deadlineMs: number;
  /** Its payload is being read: its handler was not called yet. */
  readonly isReading: boolean;
};

/** What the memory says at one moment. */
export type StartedAttemptsList = {
  readonly underWay: readonly StartedAttempt[];
  /** The one whose code is being executed, where that is known. */
  readonly current: StartedAttempt | null;
  readonly ended: readonly Attempt[];
};

/** Indexes in `header`. */
const BEATS = 0;
const EPOCH = 1;
const UNLISTED = 2;
/** 1 + the index of the attempt whose code is being executed, or 0. */
const CURRENT = 3;
const HEADER_SIZE = 4;

/** Values in `states`. */
const FREE = 0;
const READING = 1;
const RUNNING = 2;
const ENDED = 3;
/** It was being read, and the thread released it. */
const TAKEN = 4;

/** Of an attempt for which the memory has no place left. */
const NO_INDEX = -1;

/**
 * The attempts that were started and whose ends are not recorded yet, where the heartbeat thread
 * can read them while the event loop of the worker is blocked. An attempt is listed before
 * anything of its task is read: reading alone may block the loop, and an attempt that did so
 * without being listed would be released, and block the next worker, for ever.
 *
 * The thread may release every attempt that is not listed, so none must start unseen by it. An
 * epoch keeps the two apart: the thread raises it before it looks and again when it is done, and
 * the worker starts no task that it claimed in another epoch. The worker lists an attempt and then
 * reads the epoch; the thread raises the epoch and then reads the list: whichever comes second
 * sees the other. While the thread knows that another attempt blocks the loop, it may still take
 * an attempt whose handler was not called; whichever changes its state first has it.
 */
export class StartedAttempts {
  readonly memory: StartedAttemptsMemory;
  readonly #free: number[] = [];
  #used = 0;

  constructor(of: { capacity: number } | StartedAttemptsMemory) {
    this.memory = "capacity" in of ? allocate(of.capacity) : of;
  }

  /** Show that the event loop turns. */
  beat(): void {
    Atomics.add(this.memory.header, BEATS, 1);
  }

  /** Changes as long as the event loop turns. */
  get beats(): number {
    return Atomics.load(this.memory.header, BEATS);
  }

  /** What a claim of now belongs to; odd while the thread releases, when nothing is claimed. */
  get epoch(): number {
    return Atomics.load(this.memory.header, EPOCH);
  }

  get isReleasing(): boolean {
    return this.epoch % 2 !== 0;
  }

  /**
   * List an attempt that was claimed in `epoch` and should end within `limitMs`. Returns the index
   * that names it from then on; null when it may have been released, and must not start.
   */
  start({ taskId, attempt }: Attempt, limitMs: number, epoch: number): number | null {
    const { header, states, taskIds, attempts, deadlines } = this.memory;
    const index = this.#takeIndex();
    if (index === NO_INDEX) {
      Atomics.add(header, UNLISTED, 1);
    } else {
      taskIds[index] = BigInt(taskId);
      attempts[index] = attempt;
      deadlines[index] = clockMs() + limitMs;
      Atomics.store(states, index, READING);
    }
    if (this.epoch !== epoch) {
      this.forget(index);
      return null;
    }
    return index;
  }

  /** Its handler is about to be called. False: it was released, and must not be called. */
  run(index: number): boolean {
    return (
      index === NO_INDEX ||
      Atomics.compareExchange(this.memory.states, index, READING, RUNNING) === READING
    );
  }

  /** Execute code of an attempt, or code that its data drives, as the current one. */
  execute<Result>(index: number, code: () => Result): Result {
    const { header } = this.memory;
    Atomics.store(header, CURRENT, index + 1);
    try {
      return code();
    } finally {
      Atomics.store(header, CURRENT, 0);
    }
  }

  /** Its code has ended; its end is not recorded yet. */
  end(index: number): void {
    if (index !== NO_INDEX) {
      Atomics.store(this.memory.states, index, ENDED);
    }
  }

  /** The end is recorded, or never will be. */
  forget(index: number): void {
    if (index === NO_INDEX) {
      Atomics.sub(this.memory.header, UNLISTED, 1);
    } else {
      Atomics.store(this.memory.states, index, FREE);
      this.#free.push(index);
    }
  }

  /** For the thread: from here to `reopen` the worker starts nothing and claims nothing. */
  close(): void {
    Atomics.add(this.memory.header, EPOCH, 1);
  }

  reopen(): void {
    Atomics.add(this.memory.header, EPOCH, 1);
  }

  /** For the thread: whether it may release an attempt whose payload was being read. */
  take(index: number): boolean {
    return Atomics.compareExchange(this.memory.states, index, READING, TAKEN) === READING;
  }

  /** Null when there are more than the memory holds: the others are not known. */
  list(): StartedAttemptsList | null {
    const { header, states, taskIds, attempts, deadlines } = this.memory;
    const underWay: StartedAttempt[] = [];
    const ended: Attempt[] = [];
    const currentIndex = Atomics.load(header, CURRENT) - 1;
    for (const index of states.keys()) {
      const state = Atomics.load(states, index);
      if (state !== READING && state !== RUNNING && state !== ENDED) {
        continue;
      }
      const attempt = { taskId: String(taskIds[index]), attempt: attempts[index] ?? 0 };
      if (state === ENDED) {
        ended.push(attempt);
      } else {
        const deadlineMs = deadlines[index] ?? 0;
        underWay.push({ ...attempt, index, deadlineMs, isReading: state === READING });
      }
    }
    const current = underWay.find(({ index }) => index === currentIndex) ?? null;
    return Atomics.load(header, UNLISTED) === 0 ? { underWay, current, ended } : null;
  }

  #takeIndex(): number {
    const index = this.#free.pop();
    if (index !== undefined) {
      return index;
    }
    if (this.#used === this.memory.states.length) {
      return NO_INDEX;
    }
    this.#used += 1;
    return this.#used - 1;
  }
}

/** Milliseconds of a clock that all threads of the process share and nobody sets. */
export function clockMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

function allocate(capacity: number): StartedAttemptsMemory {
  return {
    header: new Int32Array(new SharedArrayBuffer(4 * HEADER_SIZE)),
    states: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    taskIds: new BigInt64Array(new SharedArrayBuffer(8 * capacity)),
    attempts: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    deadlines: new Float64Array(new SharedArrayBuffer(8 * capacity)),
  };
}
