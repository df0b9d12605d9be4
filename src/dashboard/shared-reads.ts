import { LRUCache } from "lru-cache";

/** What a page has read is good for others that are refreshed, for so long. */
const SHARED_MS = 5_000;
const READS_MAX = 500;

type SharedRead = { readonly at: number; readonly answer: Promise<unknown> };

/**
 * What pages have read lately, so that a hundred open ones cost the database as much as one. An
 * answer is shared until something has happened in the queue, and for 5 s at most.
 */
export class SharedReads {
  readonly #reads = new LRUCache<string, SharedRead>({ max: READS_MAX });
  #changedAt = 0;

  /** When something last happened that what is read must have in it, by performance.now(). */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** What was read until now is old. */
  outdate(): void {
    this.#changedAt = performance.now();
  }

  /**
   * The answer of an earlier read of the same key where that is new enough and asked for, else of
   * this one.
   */
  async get<Answer>(
    key: string,
    read: () => Promise<Answer>,
    { mayBeShared }: { readonly mayBeShared: boolean },
  ): Promise<Answer> {
    const known = this.#reads.get(key);
    const now = performance.now();
    if (
      mayBeShared &&
      known !== undefined &&
      known.at >= this.#changedAt &&
      now - known.at < SHARED_MS
    ) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- A key is of one read, whose answer has one type.
      return (await known.answer) as Answer;
    }
    const answer = read();
    const own = { at: now, answer };
    this.#reads.set(key, own);
    // A failure is for whoever asked, and for nobody else.
    answer.catch(() => {
      if (this.#reads.get(key) === own) this.#reads.delete(key);
    });
    return await answer;
  }
}
