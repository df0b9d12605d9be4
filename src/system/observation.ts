/**
 * Something that happens again and again in this process, told to whoever wants to know, as
 * metrics do. While nobody listens, to tell it is a look at an empty set.
 */
export class Observation<Seen> {
  readonly #listeners = new Set<(seen: Seen) => void>();

  /** Whether anybody listens: else what takes time to find out need not be found out. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Listeners must not throw. */
  tell(seen: Seen): void {
    for (const listener of this.#listeners) {
      listener(seen);
    }
  }

  /** Call `listener` for each, until the returned function is called. */
  listen(listener: (seen: Seen) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
