/** How far history is complete, by look after look. A wall: an algorithm with tests of its own. */
import type { HistoryLook } from "../database/rows.ts";

/** Once none of its writers is left, every row up to that id is there, or never will be. */
type Mark = { until: bigint; writers: Set<string> };

/**
 * Ids are drawn before their rows commit. So an id is passed once each transaction is over that
 * wrote history when it was the newest. Transactions come and go; marks wait for those that stay,
 * of which there are no more than transactions.
 */
export class HistoryHorizon {
  /** The oldest first; the writers of each are among those of the next. */
  #marks: Mark[] = [];
  #writers: ReadonlySet<string> = new Set();
  #passed: bigint;

  /** `passed`: an id for which it is known. */
  constructor(passed: bigint) {
    this.#passed = passed;
  }

  /** Every row up to this id is there, or never will be. */
  get passed(): bigint {
    return this.#passed;
  }

  /** Take in the next look, and tell what is passed. */
  note({ drawnId, writers, prepared }: Omit<HistoryLook, "foldedId" | "droppedId">): bigint {
    const current = new Set(writers);
    // A writer that is gone may be one of these, by another name.
    const renamed = prepared.filter((name) => !this.#writers.has(name));
    for (const mark of this.#marks) {
      const left = [...mark.writers].filter((name) => current.has(name));
      mark.writers = new Set(left.length < mark.writers.size ? [...left, ...renamed] : left);
    }
    this.#writers = current;
    this.#marks.push({ until: drawnId, writers: current });
    // Of two marks that wait for the same, the later one is passed at the same time.
    this.#marks = this.#marks.filter(
      ({ writers: waited }, place) => waited.size !== this.#marks[place + 1]?.writers.size,
    );
    const [first] = this.#marks;
    if (first?.writers.size === 0) {
      this.#passed = first.until > this.#passed ? first.until : this.#passed;
      this.#marks.shift();
    }
    return this.#passed;
  }
}
