import type { Pool } from "pg";
import { type Database, inSchema, ping } from "../database/database.ts";
import { readSchemaState, refuseUnmigrated } from "../database/schema/state.ts";

/** The gateway's way to the queue, for all requests. */
export class QueueDoor {
  readonly #db: Database;
  #opened: Promise<void> | undefined;

  constructor({ pool, schema }: { readonly pool: Pool; readonly schema: string }) {
    this.#db = inSchema(pool, schema);
  }

  /**
   * See that the schema fits this version; once, and again after a failure. Throws an
   * EnvironmentError for one that does not fit, the driver's error where the database is away.
   */
  async open(): Promise<void> {
    this.#opened ??= this.#look();
    try {
      await this.#opened;
    } catch (err) {
      this.#opened = undefined;
      throw err;
    }
  }

  /** Resolves where a request would find the database. */
  async ping(): Promise<void> {
    await this.open();
    await ping(this.#db);
  }

  async #look(): Promise<void> {
    refuseUnmigrated(await readSchemaState(this.#db));
  }
}
