// Goal: a statement that the server refuses because of another session is made again, and
// what it settles is recorded once.

import { Client } from "pg";
import { expect } from "vitest";
import { test as base, waitFor } from "../support/connections.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, waitForStatus } from "../support/tasks.ts";

const LOCK = "select from triaged.live_tasks where task_id = $1 for update";
const ONCE = ["enqueue queued", "claim started", "finish finished"];

/** A test with more sessions, which end with it. */
const test = base.extend<{ connect: () => Promise<Client> }>({
  connect: async ({ url }, use) => {
    const clients: Client[] = [];
    await use(async () => {
      const client = new Client({ connectionString: url });
      clients.push(client);
      await client.connect();
      return client;
    });
    await Promise.all(clients.map((client) => client.end()));
  },
});

/** Wait until a settle waits for a lock. */
async function waitForBlockedSettle(client: Client): Promise<void> {
  await waitFor(async () => {
    const { rows } = await client.query(
      `select from pg_stat_activity where datname = current_database()
         and query like '%settle_tasks%' and wait_event_type = 'Lock' and pid <> pg_backend_pid()`,
    );
    return rows.length > 0;
  });
}

/** The codes of the errors that the worker met. */
function errorsOf(worker: WorkerProcess): unknown[] {
  return worker.log().flatMap(({ err }) => {
    const code: unknown = typeof err === "object" && err !== null && Reflect.get(err, "code");
    return typeof code === "string" ? [code] : [];
  });
}

/** Start a task that waits, and is held by the worker. */
async function startTask(client: Client): Promise<string> {
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 500 } });
  await waitForStatus(client, taskId, "started");
  return taskId;
}

/** For the sessions that begin after this. */
async function set(client: Client, setting: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>("select current_database() as name");
  await client.query(`alter database ${rows[0]?.name} set ${setting}`);
}

test("a settle that cannot be serialized is made again", async ({ url, client }) => {
  // Sessions of a worker read what is committed, whatever their database says; behind a pooler it
  // may be otherwise.
  await client.query(`
    create sequence public.tries;
    create function public.fail_once() returns trigger language plpgsql as $$
      begin
        if nextval('public.tries') = 1 then raise serialization_failure; end if;
        return old;
      end;
    $$;
    create trigger fail_once before delete on triaged.live_tasks
    for each row execute function public.fail_once()`);
  await using worker = startWorkerProcess(url, { env: { LOG_LEVEL: "debug" } });
  const taskId = await startTask(client);

  await waitForStatus(client, taskId, "finished");
  expect(await readStory(client, taskId)).toEqual(ONCE);
  expect(errorsOf(worker)).toContain("40001");
});

test("a settle in a database of serializable transactions has no conflict", async ({
  url,
  client,
  connect,
}) => {
  await set(client, "default_transaction_isolation = serializable");
  await using worker = startWorkerProcess(url, { env: { LOG_LEVEL: "debug" } });
  const taskId = await startTask(client);
  const other = await connect();
  await other.query("begin");
  await other.query(LOCK, [taskId]);
  await other.query("update triaged.live_tasks set progress_pct = 50 where task_id = $1", [taskId]);

  await waitForBlockedSettle(client);
  await other.query("commit");

  await waitForStatus(client, taskId, "finished");
  expect(await readStory(client, taskId)).toEqual(ONCE);
  expect(errorsOf(worker)).toEqual([]);
});

test("a settle that ends a deadlock is made again", async ({ url, client, connect }) => {
  await set(client, "deadlock_timeout = '2s'");
  await using worker = startWorkerProcess(url, { env: { LOG_LEVEL: "debug" } });
  const taskId = await startTask(client);
  const rival = await connect();
  // Not the one whom the server ends.
  await rival.query("set deadlock_timeout = '1min'");
  await rival.query("begin");
  // The settle takes the task from its table, and meets this on the way to the other.
  for (const partition of await partitionsOf(client)) {
    await rival.query(`lock table ${partition} in share mode`);
  }
  await waitForBlockedSettle(client);
  await rival.query(LOCK, [taskId]);
  await rival.query("commit");

  await waitForStatus(client, taskId, "finished");
  expect(await readStory(client, taskId)).toEqual(ONCE);
  expect(errorsOf(worker)).toContain("40P01");
});

async function partitionsOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass",
    ["triaged.final_tasks"],
  );
  return rows.map(({ name }) => name);
}
