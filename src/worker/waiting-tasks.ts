/**
 * The tasks that a worker has claimed and not started, in the order in which it will start them,
 * and how much input they hold. Apart from the slots, which decide when they start.
 */

import type { ClaimedTask } from "../model/task.ts";

/** Claimed at `since` in `epoch`, by a claim that was sent at `askedMs`, and not started. */
export type WaitingTask = {
  readonly task: ClaimedTask;
  readonly since: number;
  readonly epoch: number;
  readonly askedMs: number;
};

export class WaitingTasks {
  #tasks: WaitingTask[] = [];
  #length = 0;
  /** The epoch in which all of them were claimed; null where that differs. */
  #epoch: number | null = null;

  get count(): number {
    return this.#tasks.length;
  }

  /** Characters of their input. */
  get inputLength(): number {
    return this.#length;
  }

  list(): readonly ClaimedTask[] {
    return this.#tasks.map(({ task }) => task);
  }

  add(tasks: readonly ClaimedTask[], claim: Omit<WaitingTask, "task">): void {
    const { epoch } = claim;
    this.#epoch = this.#tasks.length === 0 || this.#epoch === epoch ? epoch : null;
    for (const task of tasks) {
      this.#tasks.push({ task, ...claim });
      this.#length += inputLengthOf(task);
    }
  }

  /** Remove and return the first ones, up to so many. */
  take(countMax: number): readonly WaitingTask[] {
    const taken = this.#tasks.splice(0, countMax);
    this.#forget(taken);
    return taken;
  }

  /**
   * Remove and return the tasks that were not claimed in this epoch. The list is not searched each
   * time an attempt ends: that cost 3 us of the 18 that a task took.
   */
  takeOfOtherEpochs(epoch: number): readonly WaitingTask[] {
    if (this.#epoch === epoch) {
      return [];
    }
    this.#epoch = epoch;
    return this.takeAllBut((waiting) => waiting.epoch === epoch);
  }

  /** Remove and return the tasks that are not to be kept. */
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
