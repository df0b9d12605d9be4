import { Client } from "pg";
import { type EmbeddedServer, startEmbedded } from "../../src/database/embedded/server.ts";
import { hasCode } from "../../src/model/errors.ts";
import { waitFor } from "./db.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** Crashes of processes, not of the machine: what the kernel has is not lost. */
const SETTINGS = { fsync: "off", shared_buffers: "16MB", max_connections: 40 };

/** Ends every session of triaged, as an administrator may. */
export const CUT_CONNECTIONS = `select pg_terminate_backend(pid) from pg_stat_activity
  where application_name like 'triaged%'`;

/** A server of the test's own, which it may stop, kill and starve. */
export class FailingServer {
  readonly #folder: string;
  readonly #remove: () => Promise<void>;
  #server: EmbeddedServer;

  private constructor(server: EmbeddedServer, folder: string, remove: () => Promise<void>) {
    this.#server = server;
    this.#folder = folder;
    this.#remove = remove;
  }

  static async start(): Promise<FailingServer> {
    const { path, remove } = await makeTemporaryFolder();
    const folder = `${path}/postgres`;
    return new FailingServer(await startEmbedded({ folder, settings: SETTINGS }), folder, remove);
  }

  get url(): string {
    return this.#server.url;
  }

  /** Stop as `pg_ctl stop -m fast` does, and start again. */
  async restart(): Promise<void> {
    await this.#server.stop();
    await this.#startAgain();
  }

  /** End the postmaster by a signal: SIGQUIT is `-m immediate`, SIGKILL is a crash. */
  async endPostmaster(signal: "SIGQUIT" | "SIGKILL"): Promise<void> {
    process.kill(this.#server.pid, signal);
    await this.#server.exited;
    await this.#server.stop();
    await this.#startAgain();
  }

  /** `kill -9` processes that serve triaged; the postmaster then restarts all of them. */
  async killBackends({ most }: { most: number }): Promise<void> {
    const startedAt = await this.ask("select pg_postmaster_start_time()::text as value");
    const pids = await this.ask(
      `select string_agg(pid::text, ',') as value from pg_stat_activity
       where application_name like 'triaged%' and backend_type = 'client backend'`,
    );
    for (const pid of pids.split(",").slice(0, most)) {
      kill(Number(pid));
    }
    // It answers again, and it is the same postmaster.
    await waitFor(async () => {
      const sql = "select pg_postmaster_start_time()::text as value";
      return (await this.ask(sql).catch(() => "")) === startedAt;
    });
  }

  /** Cut what is connected and take its place, all places, until it is `enough`. */
  async starve(enough: () => boolean): Promise<void> {
    const first = await this.#connected();
    const others: Client[] = [];
    try {
      await waitFor(async () => {
        await first.query(CUT_CONNECTIONS);
        others.push(...(await this.#takeAll()));
        return enough();
      });
    } finally {
      await Promise.all([first, ...others].map((client) => client.end()));
    }
  }

  /** Run statements on a session of their own, which is there at once; the last `value`. */
  async ask(...statements: readonly string[]): Promise<string> {
    const client = await this.#connected();
    try {
      let value = "";
      for (const statement of statements) {
        const { rows } = await client.query<{ value?: string | null }>(statement);
        value = rows[0]?.value ?? "";
      }
      return value;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.#server.stop();
    await this.#remove();
  }

  async #startAgain(): Promise<void> {
    this.#server = await startEmbedded({ folder: this.#folder, settings: SETTINGS });
  }

  async #takeAll(): Promise<Client[]> {
    const taken: Client[] = [];
    for (;;) {
      const client = await this.#connected().catch(() => null);
      if (client === null) {
        return taken;
      }
      taken.push(client);
    }
  }

  async #connected(): Promise<Client> {
    const client = new Client({ connectionString: this.url, application_name: "test" });
    // The server may end the connection.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }
}

/** The first death makes the postmaster end the others, which may be faster. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (err) {
    if (!hasCode(err, "ESRCH")) {
      throw err;
    }
  }
}
