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
