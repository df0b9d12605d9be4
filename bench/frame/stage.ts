import type { Client } from "pg";
import { createDatabase, dropDatabase, hasDatabase, nameOf, urlOf } from "./databases.ts";
import type { BenchServer } from "./server.ts";

/** Who can be measured: a queue that knows how to set itself up in an empty database. */
export type Installable = {
  readonly name: string;
  readonly install: (url: string) => Promise<void>;
};

/**
 * What a bench runs on. Each contestant gets a database of its own, a fresh copy for each
 * round, so that no round inherits the dead rows and the statistics of the one before.
 */
export class Stage {
  readonly server: BenchServer;
  /** Says on stderr how far the bench is. */
  readonly note: (text: string) => void;
  /** Whether a database that took long to fill is kept for the next run. */
  readonly #keeps: boolean;
  readonly #templates = new Map<string, Promise<string>>();

  constructor(server: BenchServer, note: (text: string) => void, { keeps = false } = {}) {
    this.server = server;
    this.note = note;
    this.#keeps = keeps;
  }

  /** Lend a database in which the contestant is installed and has nothing to do. */
  async withDatabase<Result>(
    contestant: Installable,
    use: (url: string) => Promise<Result>,
  ): Promise<Result> {
    const url = await createDatabase(this.server.url, nameOf(await this.#template(contestant)));
    try {
      return await use(url);
    } finally {
      await dropDatabase(this.server.url, url);
    }
  }

  /**
   * Lend a database for something that takes long to fill: with `--keep` that of an earlier run of
   * the same name, which may be whole, half full or new; it stays. Else as `withDatabase`.
   */
  async withFilled<Result>(
    contestant: Installable,
    name: string,
    use: (url: string) => Promise<Result>,
  ): Promise<Result> {
    if (!this.#keeps) {
      return await this.withDatabase(contestant, use);
    }
    const kept = `triaged_bench_kept_${name}`;
    if (!(await hasDatabase(this.server.url, kept))) {
      await createDatabase(this.server.url, nameOf(await this.#template(contestant)), kept);
    }
    this.note(`in the database ${kept}, which stays`);
    return await use(urlOf(this.server.url, kept));
  }

  /** Write out what the preparation left, so that it is not written while the clock runs. */
  async settleDown(client: Client): Promise<void> {
    // A server that was given may not let its user do that; then both have the disadvantage.
    await client.query("checkpoint").catch(() => undefined);
  }

  /** Drop the templates. */
  async close(): Promise<void> {
    for (const template of this.#templates.values()) {
      // One that failed is gone, and its error is told.
      const url = await template.catch(() => null);
      if (url !== null) {
        await dropDatabase(this.server.url, url);
      }
    }
    this.#templates.clear();
  }

  async #template(contestant: Installable): Promise<string> {
    const known = this.#templates.get(contestant.name) ?? this.#install(contestant);
    this.#templates.set(contestant.name, known);
    return await known;
  }

  async #install(contestant: Installable): Promise<string> {
    const url = await createDatabase(this.server.url);
    try {
      await contestant.install(url);
    } catch (err) {
      await dropDatabase(this.server.url, url);
      throw err;
    }
    return url;
  }
}
