/**
 * A place in a lane. The time stays text: a Date would drop the microseconds, and a
 * bulk of tasks that are due together would lie behind no bound.
 */
export type Bound = { readonly runAt: string; readonly taskId: string };

/** What to claim from: a queue, a task type and a priority, and how far the worker came. */
export type Lane = {
  readonly queue: string;
  readonly taskType: string;
  readonly priority: number;
  /** Claim only behind this place. A hint, absent on every full sweep. */
  readonly after?: Bound | undefined;
};

/** The priorities, in the order in which they are served. */
export const PRIORITIES = [0, 1, 2, 3] as const;
