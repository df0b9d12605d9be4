// Goal: whatever happens to the server, workers that run on work again by themselves, and
// every task whose enqueue was acknowledged ends once.
// Method: two workers and a steady producer on a server of the test's own; one failure each.

import { test as base, expect } from "vitest";
import { waitFor } from "../support/db.ts";
import { CUT_CONNECTIONS, FailingServer } from "../support/failing-server.ts";
import { migrate } from "../support/migrate.ts";
import { startSteadyProducer } from "../support/steady-producer.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/worker-process.ts";

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
      [one, two].every((worker) => worker.log().some(({ msg }) => msg === "worker began")),
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
