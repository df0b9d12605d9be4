import type { Attempt } from "../errors.ts";

/** Memory that a worker and its heartbeat thread both see. */
export type BegunMemory = {
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly states: Int32Array<SharedArrayBuffer>;
  readonly taskIds: BigInt64Array<SharedArrayBuffer>;
  readonly attempts: Int32Array<SharedArrayBuffer>;
  readonly deadlines: Float64Array<SharedArrayBuffer>;
};

/** An attempt that runs, and when it should have ended, by `clockMs`. */
export type BegunAttempt = Attempt & { readonly deadlineMs: number };

/** Places in `header`. */
const BEATS = 0;
const EPOCH = 1;
const UNLISTED = 2;
const HEADER_SIZE = 3;

/** Values in `states`. */
const FREE = 0;
const RUNNING = 1;
const ENDED = 2;

/** For an attempt that found no place. */
const NO_PLACE = -1;

/**
 * The attempts whose handlers were called and whose ends are not recorded yet, where the
 * heartbeat thread can read them while the event loop of the worker is blocked.
 *
 * What is not among them the thread may take back, so a handler must not be called behind its
 * back. An epoch keeps the two apart: the thread raises it before it looks and again when it
 * is done, and the worker begins nothing that it claimed in another epoch. The worker writes
 * an attempt down and then reads the epoch; the thread raises the epoch and then reads what is
 * written: whoever comes second sees the other.
 */
export class Begun {
  readonly memory: BegunMemory;
  readonly #free: number[] = [];
  #used = 0;

  constructor(of: { capacity: number } | BegunMemory) {
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

  /** What a claim of now belongs to; odd while the thread takes back, when nothing is claimed. */
  get epoch(): number {
    return Atomics.load(this.memory.header, EPOCH);
  }

  get isTakingBack(): boolean {
    return this.epoch % 2 !== 0;
  }

  /**
   * Write down that a handler is about to be called, for an attempt claimed in `epoch`, that
   * should end within `limitMs`. Returns the place to name at its end; null when the attempt
   * may have been taken back, and must not begin.
   */
  begin({ taskId, attempt }: Attempt, limitMs: number, epoch: number): number | null {
    const { header, states, taskIds, attempts, deadlines } = this.memory;
    const place = this.#takePlace();
    if (place === NO_PLACE) {
      Atomics.add(header, UNLISTED, 1);
    } else {
      taskIds[place] = BigInt(taskId);
      attempts[place] = attempt;
      deadlines[place] = clockMs() + limitMs;
      Atomics.store(states, place, RUNNING);
    }
    if (this.epoch !== epoch) {
      this.forget(place);
      return null;
    }
    return place;
  }

  /** The handler has ended; its end is not recorded yet. */
  end(place: number): void {
    if (place !== NO_PLACE) {
      Atomics.store(this.memory.states, place, ENDED);
    }
  }

  /** The end is recorded, or never will be. */
  forget(place: number): void {
    if (place === NO_PLACE) {
      Atomics.sub(this.memory.header, UNLISTED, 1);
    } else {
      Atomics.store(this.memory.states, place, FREE);
      this.#free.push(place);
    }
  }

  /** For the thread: from here to `reopen` the worker begins nothing and claims nothing. */
  close(): void {
    Atomics.add(this.memory.header, EPOCH, 1);
  }

  reopen(): void {
    Atomics.add(this.memory.header, EPOCH, 1);
  }

  /** Null when there are more than the memory holds: what the others are is not known. */
  list(): { running: BegunAttempt[]; ended: Attempt[] } | null {
    const { header, states, taskIds, attempts, deadlines } = this.memory;
    const running: BegunAttempt[] = [];
    const ended: Attempt[] = [];
    for (const place of states.keys()) {
      const state = Atomics.load(states, place);
      if (state !== FREE) {
        const attempt = { taskId: String(taskIds[place]), attempt: attempts[place] ?? 0 };
        if (state === RUNNING) {
          running.push({ ...attempt, deadlineMs: deadlines[place] ?? 0 });
        } else {
          ended.push(attempt);
        }
      }
    }
    return Atomics.load(header, UNLISTED) === 0 ? { running, ended } : null;
  }

  #takePlace(): number {
    const place = this.#free.pop();
    if (place !== undefined) {
      return place;
    }
    if (this.#used === this.memory.states.length) {
      return NO_PLACE;
    }
    this.#used += 1;
    return this.#used - 1;
  }
}

/** Milliseconds of a clock that all threads of the process share and nobody sets. */
export function clockMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

function allocate(capacity: number): BegunMemory {
  return {
    header: new Int32Array(new SharedArrayBuffer(4 * HEADER_SIZE)),
    states: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    taskIds: new BigInt64Array(new SharedArrayBuffer(8 * capacity)),
    attempts: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    deadlines: new Float64Array(new SharedArrayBuffer(8 * capacity)),
  };
}
