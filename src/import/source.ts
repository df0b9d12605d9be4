import type { Database } from "../database/database.ts";
import type { ForeignQueue } from "../database/foreign-queues.ts";
import type { ForeignTask } from "./foreign-task.ts";

/** What was found in another system. Nothing there is changed. */
export type Source = {
  /** How ids that are numbers begin here, and what `metadata.imported.system` says. */
  readonly system: string;
  /** Each reads one task, or throws a ForeignTaskError: all that are wrong are told at once. */
  readonly tasks: readonly (() => ForeignTask)[];
  /** What a person has to do who moves from there, a sentence each. */
  readonly notes: readonly string[];
};

/**
 * Take over what belongs to an application in the database of another queue; resolves to what was
 * done, a sentence each. `here` is the transaction of the import.
 */
export type TakeOver = (from: {
  readonly there: Database;
  readonly queue: ForeignQueue;
  readonly here: Database;
}) => Promise<readonly string[]>;
