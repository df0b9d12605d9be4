import type { ClaimedTask } from "../task.ts";

/** Claimed at `since` in `epoch`, and not begun. */
export type WaitingTask = {
  readonly task: ClaimedTask;
  readonly since: number;
  readonly epoch: number;
};

/** The tasks that a worker has claimed and not begun, in the order in which it will. */
export class WaitingTasks {
  #tasks: WaitingTask[] = [];
  #length = 0;
  /** The epoch in which all of them were claimed; null where that differs. */
  #epoch: number | null = null;

  get count(): number {
    return this.#tasks.length;
  }

  /** Characters of their input that are held here. */
  get inputLength(): number {
    return this.#length;
  }

  list(): readonly ClaimedTask[] {
    return this.#tasks.map(({ task }) => task);
  }

  add(tasks: readonly ClaimedTask[], { since, epoch }: { since: number; epoch: number }): void {
    this.#epoch = this.#tasks.length === 0 || this.#epoch === epoch ? epoch : null;
    for (const task of tasks) {
      this.#tasks.push({ task, since, epoch });
      this.#length += inputLengthOf(task);
    }
  }

  /** The first ones, up to so many: they are not held here any more. */
  take(countMax: number): readonly WaitingTask[] {
    const taken = this.#tasks.splice(0, countMax);
    this.#forget(taken);
    return taken;
  }

  /**
   * Those that were not claimed in this epoch. Not looked for at each end of an attempt: that
   * cost 3 us of the 18 that a task took.
   */
  takeOfOtherEpochs(epoch: number): readonly WaitingTask[] {
    if (this.#epoch === epoch) {
      return [];
    }
    this.#epoch = epoch;
    return this.takeAllBut((waiting) => waiting.epoch === epoch);
  }

  takeAllBut(isKept: (waiting: WaitingTask) => boolean): readonly WaitingTask[] {
    const taken = this.#tasks.filter((waiting) => !isKept(waiting));
    if (taken.length > 0) {
      this.#tasks = this.#tasks.filter(isKept);
      this.#forget(taken);
    }
    return taken;
  }

  #forget(taken: readonly WaitingTask[]): void {
    for (const { task } of taken) {
      this.#length -= inputLengthOf(task);
    }
  }
}

function inputLengthOf({ payloadText, metadataText, decisionText, previousError }: ClaimedTask) {
  return (
    (payloadText?.length ?? 0) +
    (metadataText?.length ?? 0) +
    (decisionText?.length ?? 0) +
    (previousError?.length ?? 0)
  );
}
