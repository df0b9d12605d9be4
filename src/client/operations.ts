/** Operations as a client of the queue sees them. */
import type { Database } from "../database/database.ts";
import {
  abortOperation,
  getOperation,
  listOperations,
  type OperationFilter,
  type OperationPreview,
  type OperationRow,
  type OperationsFilter,
  type OperationWork,
  previewOperation,
  startOperation,
} from "../database/operations.ts";
import type { BulkAction, Saying } from "../model/operation.ts";
import type { InTransaction } from "./connection.ts";

/** How a client asks: a look, and what a person does. */
type Asking = {
  readonly ask: <Answer>(
    options: InTransaction,
    question: (db: Database) => Promise<Answer>,
  ) => Promise<Answer>;
  readonly operate: <Answer>(
    options: InTransaction & Saying,
    verb: (db: Database) => Promise<Answer>,
  ) => Promise<Answer>;
};

/** What people did, and work on all tasks that match a filter. Throws as the client does. */
export class Operations {
  readonly #asking: Asking;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** How many tasks an operation would act on: counted, or about. */
  preview(
    action: BulkAction,
    filter: OperationFilter,
    options: InTransaction = {},
  ): Promise<OperationPreview> {
    return this.#asking.ask(options, (db) => previewOperation(db, action, filter));
  }

  /**
   * Begin an operation on all tasks that match; `triaged jobs` does it, batch by batch. Resolves to
   * its id. A `reason` is required; with a `requestKey` that was used before nothing begins again.
   */
  start(
    work: OperationWork & {
      readonly filter: OperationFilter;
      readonly requestKey?: string | undefined;
    },
    options: InTransaction & Saying & { readonly reason: string },
  ): Promise<string> {
    return this.#asking.operate(options, (db) => startOperation(db, work));
  }

  /** With how far it is; null where there is none. */
  get(operationId: string, options: InTransaction = {}): Promise<OperationRow | null> {
    return this.#asking.ask(options, (db) => getOperation(db, operationId));
  }

  /** Operations of all people and doors, the newest first. `limit` is 1 to 100, default 20. */
  list(filter: Partial<OperationsFilter> & InTransaction = {}): Promise<OperationRow[]> {
    const { limit = 20 } = filter;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= 100)) {
      throw new TypeError(`expected limit to be an integer from 1 to 100, got ${limit}`);
    }
    return this.#asking.ask(filter, (db) => listOperations(db, { ...filter, limit }));
  }

  /** Stop it behind the batch that runs; false where it had ended. */
  abort(operationId: string, options: InTransaction & Saying = {}): Promise<boolean> {
    return this.#asking.operate(options, (db) => abortOperation(db, operationId));
  }
}
