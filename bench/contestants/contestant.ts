import type { Client } from "pg";
import type { Child } from "../frame/child.ts";
import type { Installable } from "../frame/stage.ts";

/** A queue under measurement. Its handlers are `noop` and `ping`, with the same bodies. */
export type Contestant = Installable & {
  /** What it is set to, for the table's footnote. */
  readonly settings: string;
  /** Put `count` no-op tasks in. Not measured. */
  readonly enqueueNoops: (client: Client, count: number) => Promise<void>;
  /** Put one `ping` in, in one statement that commits: the beginning of a latency. */
  readonly enqueuePing: (client: Client) => Promise<void>;
  /** One worker process that ends when nothing is left to do. */
  readonly startDraining: (url: string) => Child;
  /** One worker process that waits for work. */
  readonly startWaiting: (url: string) => Child;
  /** Whether nothing waits and nothing runs: the last completion is committed. */
  readonly isEmpty: (client: Client) => Promise<boolean>;
  /** Throws unless `count` tasks were worked off as the contestant promises. */
  readonly check: (client: Client, count: number) => Promise<void>;
};

/** What a single task is for: to be counted, or to have its start timed. */
export type SingleTask =
  | { readonly type: "noop"; readonly payload: { readonly of: number } }
  | { readonly type: "ping"; readonly payload: { readonly place: number } };

/** A queue whose tables and producers a bench may look at: one with an interface in SQL. */
export type SqlContestant = Contestant & {
  /** Put one task in, as a producer does: one statement that commits. */
  readonly enqueueOne: (client: Client, task: SingleTask) => Promise<void>;
  /**
   * Put `count` no-op tasks in and leave the tables as that leaves them. `of` is how many calls
   * of the handler are the last, over all that the worker is given.
   */
  readonly insertNoops: (client: Client, tasks: { count: number; of: number }) => Promise<void>;
  /** Tasks that have not ended. */
  readonly depth: (client: Client) => Promise<number>;
  /** Where its notifies go. */
  readonly channels: readonly string[];
};
