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
  readonly place: number;
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

/** Places in `header`. */
const BEATS = 0;
const EPOCH = 1;
const UNLISTED = 2;
/** 1 + the place of the attempt whose code is being executed, or 0. */
const CURRENT = 3;
const HEADER_SIZE = 4;

/** Values in `states`. */
const FREE = 0;
const READING = 1;
const RUNNING = 2;
const ENDED = 3;
/** It was being read, and the thread gave it back. */
const TAKEN = 4;

/** For an attempt that found no place. */
const NO_PLACE = -1;

/**
 * The attempts that have begun and whose ends are not recorded yet, where the heartbeat thread
 * can read them while the event loop of the worker is blocked. An attempt begins before
 * anything of its task is read: reading alone may block the loop, and an attempt that did so
 * without being written down would be given back, and block the next worker, for ever.
 *
 * What is not among them the thread may take back, so an attempt must not begin behind its
 * back. An epoch keeps the two apart: the thread raises it before it looks and again when it
 * is done, and the worker begins nothing that it claimed in another epoch. The worker writes
 * an attempt down and then reads the epoch; the thread raises the epoch and then reads what is
 * written: whoever comes second sees the other. An attempt whose payload was read and whose
 * handler was not called the thread may still take, while it knows that another one blocks the
 * loop; whoever changes its state first has it.
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

  /** What a claim of now belongs to; odd while the thread takes back, when nothing is claimed. */
  get epoch(): number {
    return Atomics.load(this.memory.header, EPOCH);
  }

  get isTakingBack(): boolean {
    return this.epoch % 2 !== 0;
  }

  /**
   * Write down that an attempt begins that was claimed in `epoch` and should end within
   * `limitMs`. Returns the place to name from then on; null when it may have been taken back,
   * and must not begin.
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
      Atomics.store(states, place, READING);
    }
    if (this.epoch !== epoch) {
      this.forget(place);
      return null;
    }
    return place;
  }

  /** Its handler is about to be called. False: it was taken back, and must not be. */
  run(place: number): boolean {
    return (
      place === NO_PLACE ||
      Atomics.compareExchange(this.memory.states, place, READING, RUNNING) === READING
    );
  }

  /** Execute code of an attempt, or such that its data drives, as the current one. */
  execute<Result>(place: number, code: () => Result): Result {
    const { header } = this.memory;
    Atomics.store(header, CURRENT, place + 1);
    try {
      return code();
    } finally {
      Atomics.store(header, CURRENT, 0);
    }
  }

  /** Nothing of it is executed any more; its end is not recorded yet. */
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

  /** For the thread: whether it may give back an attempt that was being read. */
  take(place: number): boolean {
    return Atomics.compareExchange(this.memory.states, place, READING, TAKEN) === READING;
  }

  /** Null when there are more than the memory holds: what the others are is not known. */
  list(): StartedAttemptsList | null {
    const { header, states, taskIds, attempts, deadlines } = this.memory;
    const underWay: StartedAttempt[] = [];
    const ended: Attempt[] = [];
    const currentPlace = Atomics.load(header, CURRENT) - 1;
    for (const place of states.keys()) {
      const state = Atomics.load(states, place);
      if (state !== READING && state !== RUNNING && state !== ENDED) {
        continue;
      }
      const attempt = { taskId: String(taskIds[place]), attempt: attempts[place] ?? 0 };
      if (state === ENDED) {
        ended.push(attempt);
      } else {
        const deadlineMs = deadlines[place] ?? 0;
        underWay.push({ ...attempt, place, deadlineMs, isReading: state === READING });
      }
    }
    const current = underWay.find(({ place }) => place === currentPlace) ?? null;
    return Atomics.load(header, UNLISTED) === 0 ? { underWay, current, ended } : null;
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

function allocate(capacity: number): StartedAttemptsMemory {
  return {
    header: new Int32Array(new SharedArrayBuffer(4 * HEADER_SIZE)),
    states: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    taskIds: new BigInt64Array(new SharedArrayBuffer(8 * capacity)),
    attempts: new Int32Array(new SharedArrayBuffer(4 * capacity)),
    deadlines: new Float64Array(new SharedArrayBuffer(8 * capacity)),
  };
}
