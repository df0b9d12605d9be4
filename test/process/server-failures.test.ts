// Goal: whatever happens to the server, workers that run on work again by themselves, and
// every task whose enqueue was acknowledged ends once.
// Method: two workers and a steady producer on a server of the test's own; one failure each.

import { Client } from "pg";
import { test as base, expect } from "vitest";
import { type EmbeddedServer, startEmbedded } from "../../src/database/embedded/server.ts";
import { hasCode } from "../../src/model/errors.ts";
import { waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/processes.ts";
import { startSteadyProducer } from "../support/steady-producer.ts";

/** Crashes of processes, not of the machine: what the kernel has is not lost. */
const SETTINGS = { fsync: "off", shared_buffers: "16MB", max_connections: 40 };

/** Ends every session of triaged, as an administrator may. */
const CUT_CONNECTIONS = `select pg_terminate_backend(pid) from pg_stat_activity
  where application_name like 'triaged%'`;

/** A server of the test's own, which it may stop, kill and starve. */
class FailingServer {
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

const TASKS = 30;
const LOST = "database does not answer; trying again until it does";
const UNFINISHED = `select count(*) as value from triaged.tasks where status <> 'finished'`;
/** Tasks that have not exactly one end in history. */
const NOT_ONCE = `select count(*) as value from (
  select from triaged.tasks left join triaged.task_history using (task_id)
  group by task_id having count(*) filter (where event = 'finish') <> 1
) as wrong`;

const test = base.extend<{ server: FailingServer }>({
  server: [
    async ({}, use) => {
      const server = await FailingServer.start();
      await migrate({ connectionString: server.url });
      await use(server);
      await server.remove();
    },
    { scope: "file" },
  ],
});

type Failure = (server: FailingServer, workers: readonly WorkerProcess[]) => Promise<void>;

const hasNoticed = (worker: WorkerProcess) => worker.log().some(({ msg }) => msg === LOST);

const FAILURES: Readonly<Record<string, Failure>> = {
  "a restart": (server) => server.restart(),
  "an immediate shutdown": (server) => server.endPostmaster("SIGQUIT"),
  "a killed postmaster": (server) => server.endPostmaster("SIGKILL"),
  "a killed backend": (server) => server.killBackends({ most: 1 }),
  "all backends killed": (server) => server.killBackends({ most: Infinity }),
  "no connection left": (server, workers) => server.starve(() => workers.some(hasNoticed)),
  "statements that time out": async (server, workers) => {
    await server.ask("alter role triaged set statement_timeout = '100ms'", CUT_CONNECTIONS);
    const lock = ["set statement_timeout = 0", "begin", "lock table triaged.live_tasks"];
    // Once more where the workers slept through it.
    await waitFor(
      async () => {
        await server.ask(...lock, "select pg_sleep(0.5)");
        return workers.some(hasNoticed);
      },
      { deadlineMs: 20_000 },
    );
    await server.ask("alter role triaged reset statement_timeout", CUT_CONNECTIONS);
  },
  "a log that is not written": async (server) => {
    const reload = "select pg_reload_conf()";
    await server.ask("alter system set synchronous_standby_names = 'nobody'", reload);
    await waitFor(async () => {
      const sql = "select count(*) as value from pg_stat_activity where wait_event = 'SyncRep'";
      return Number(await server.ask(sql)) >= 3;
    });
    await server.ask("set synchronous_commit = local", "alter system reset all", reload);
  },
};

test.for(Object.keys(FAILURES))(
  "workers go on by themselves after %s",
  async (name, { server }) => {
    await using one = startWorkerProcess(server.url);
    await using two = startWorkerProcess(server.url);
    await using producer = startSteadyProducer(server.url);
    await producer.enqueueMore(TASKS);
    await waitFor(() =>
      [one, two].every((worker) => worker.log().some(({ msg }) => msg === "worker started")),
    );

    await FAILURES[name]?.(server, [one, two]);
    await producer.enqueueMore(TASKS);
    await producer.stop();

    await waitFor(async () => (await server.ask(UNFINISHED)) === "0", { deadlineMs: 30_000 });
    const acknowledged = producer.acknowledged();
    expect(
      await server.ask(
        `select count(*) as value from triaged.tasks where task_id in (${acknowledged.join(",")})`,
      ),
    ).toBe(String(acknowledged.length));
    expect(await server.ask(NOT_ONCE)).toBe("0");
    for (const worker of [one, two]) {
      worker.signal("SIGTERM");
      expect(await worker.exited).toBe(0);
      expect(worker.log().filter(({ level }) => level === "fatal")).toEqual([]);
    }
  },
);
