/** One who follows history: what it wants, how far it is, and what waits for it. */
import type { Transition } from "../database/rows.ts";

export type FollowFilter = {
  readonly taskId?: string | undefined;
  readonly queue?: string | undefined;
  readonly taskType?: string | undefined;
  /** Only what is behind the transition of this id. */
  readonly after?: string | undefined;
  /** Called when the database does not answer any more, and when it does again. */
  readonly onAway?: ((isAway: boolean) => void) | undefined;
};

/** Why following ended before its signal aborted. What is missed can be had by following again. */
export class FollowEnded extends Error {
  override readonly name = "FollowEnded";
  /**
   * `slow`: too many transitions were waiting. `closing`: the process is about to end. `went_back`:
   * a server without the newest history has taken over.
   */
  readonly reason: "slow" | "closing" | "went_back";

  constructor(reason: FollowEnded["reason"]) {
    super(`the tail of history ended a follower: ${reason}`);
    this.reason = reason;
  }
}

/** There is no following behind that id. */
export class UnknownTransition extends Error {
  override readonly name = "UnknownTransition";
  /** `dropped`: retention may have dropped what came after it. */
  readonly reason: "not_an_id" | "not_there_yet" | "dropped";

  constructor(reason: UnknownTransition["reason"], id: string) {
    super(
      {
        not_an_id: "expected the id of a transition, a whole number",
        not_there_yet: `history has no transition ${id} yet`,
        dropped: `history after transition ${id} is not whole any more: retention has dropped some`,
      }[reason],
    );
    this.reason = reason;
  }
}

/** Transitions in order, and up to which id no other is missing. */
export type HistoryPage = { readonly rows: readonly Transition[]; readonly until: bigint };

type FollowerParts = {
  readonly waitingMax: number;
  readonly signal: AbortSignal;
  /** It ended: forget it. */
  readonly leave: () => void;
  /** Whether the tail has told more than what is up to this id. */
  readonly isBehind: (cursor: bigint) => boolean;
  readonly catchUp: (cursor: bigint) => Promise<HistoryPage>;
};

/** Iterated once. */
export class Follower implements AsyncIterable<Transition> {
  readonly filter: FollowFilter;
  readonly #parts: FollowerParts;
  readonly #waiting: Transition[] = [];
  /** Those of before it began that the tail tells later. */
  #past: ReadonlySet<string> = new Set();
  #cursor = 0n;
  #isLive = false;
  #ended: { readonly reason: Error | null } | null = null;
  readonly #cut = new AbortController();
  #wake: () => void = () => undefined;

  constructor(filter: FollowFilter, parts: FollowerParts) {
    this.filter = filter;
    this.#parts = parts;
    parts.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (parts.signal.aborted) {
      this.#onAbort();
    }
  }

  readonly #onAbort = (): void => this.#end(null);

  /** The id behind which it began or is by now: to go on from, by another follower. */
  get cursor(): string {
    return String(this.#cursor);
  }

  /** Aborts when the iteration will throw, for whoever waits for something else than that. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Begin behind an id, without some of those that come after it. */
  beginAfter(cursor: bigint, past: ReadonlySet<string> = new Set()): void {
    this.#cursor = cursor;
    this.#past = past;
  }

  /** Tell it of a transition. */
  offer(row: Transition, id: bigint): void {
    if (!this.#isLive || this.#ended !== null || id <= this.#cursor || !this.wants(row)) {
      return;
    }
    this.#cursor = id;
    if (this.#waiting.push(row) > this.#parts.waitingMax) {
      this.end(new FollowEnded("slow"));
    }
    this.#wake();
  }

  /** Have the iteration throw that. */
  end(reason: Error): void {
    this.#end({ reason });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transition, void, undefined> {
    try {
      while (!this.#isDone()) {
        const next = this.#waiting.shift();
        if (!this.#isLive) {
          yield* this.#missed();
        } else if (next !== undefined) {
          yield next;
        } else {
          const waking = Promise.withResolvers<void>();
          this.#wake = waking.resolve;
          await waking.promise;
        }
      }
    } finally {
      this.#end(null);
    }
  }

  /** What came since it began, read by itself, until it is where the tail is. */
  async *#missed(): AsyncGenerator<Transition, void, undefined> {
    while (this.#parts.isBehind(this.#cursor)) {
      const { rows, until } = await this.#parts.catchUp(this.#cursor);
      for (const row of rows) {
        if (this.#isDone()) {
          return;
        }
        if (this.wants(row)) {
          yield row;
        }
      }
      this.#cursor = until;
    }
    // In the same turn as the look at where the tail is.
    this.#isLive = true;
  }

  /** Throws where it was ended with a reason. */
  #isDone(): boolean {
    if (this.#ended !== null && this.#ended.reason !== null) {
      throw this.#ended.reason;
    }
    return this.#ended !== null;
  }

  /** Whether a transition fits its filter. */
  wants({ id, task_id, queue, task_type }: Transition): boolean {
    const { filter } = this;
    return (
      (filter.taskId === undefined || filter.taskId === task_id) &&
      (filter.queue === undefined || filter.queue === queue) &&
      (filter.taskType === undefined || filter.taskType === task_type) &&
      !this.#past.has(id)
    );
  }

  #end(ended: { readonly reason: Error | null } | null): void {
    this.#ended ??= ended ?? { reason: null };
    this.#waiting.length = 0;
    this.#parts.signal.removeEventListener("abort", this.#onAbort);
    this.#parts.leave();
    this.#wake();
    if (this.#ended.reason !== null) {
      this.#cut.abort(this.#ended.reason);
    }
  }
}
