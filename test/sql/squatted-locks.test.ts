// Goal: an advisory lock of the queue that a stranger keeps, who may do nothing but connect,
// holds up nothing for long, proves nothing, and is told of with his name.

import type { Client } from "pg";
import { expect } from "vitest";
import { pidOf, test, waitFor } from "../support/connections.ts";
import { openStranger, squat } from "../support/hostile-role.ts";
import {
  call,
  claimTasks,
  enqueue,
  query,
  queryOne,
  refusal,
  startWorker,
} from "../support/tasks.ts";

/** One look, by a clock that stands `ms` milliseconds later than at the start of the test. */
async function lookAt(db: Client, ms: number): Promise<string[]> {
  await db.query("select set_config('triaged.fake_now', $1, false)", [
    new Date(Date.UTC(2026, 0, 1, 0, 0, 0, ms)).toISOString(),
  ]);
  return (await query(db, "select task_id from triaged.rescue_tasks()")).map((row) =>
    String(row["task_id"]),
  );
}

async function startHolder(db: Client, given = {}): Promise<{ workerId: string; taskId: string }> {
  const taskId = await enqueue(db);
  const workerId = await startWorker(db, given);
  await claimTasks(db, workerId);
  return { workerId, taskId };
}

const lock = async (client: Client, workerId: string) =>
  (await queryOne(client, "select triaged.lock_worker($1) as held", [workerId]))["held"];

/** Close the connection, and wait until its server process is gone. */
async function endSession(db: Client, client: Client): Promise<void> {
  const pid = pidOf(client);
  await client.end();
  await waitFor(
    async () =>
      (await query(db, "select from pg_stat_activity where pid = $1", [pid])).length === 0,
  );
}

test("a worker whose lock was taken at its death is found dead at two looks", async ({
  url,
  connect,
}) => {
  const [db, session] = [await connect(), await connect()];
  await using stranger = await openStranger(url);
  await lookAt(db, 0);
  const { workerId, taskId } = await startHolder(db);
  expect(await lock(session, workerId)).toBe(true);
  const waits = squat(stranger, ["worker", workerId]);
  await endSession(db, session);
  await waits;

  expect([await lookAt(db, 500), await lookAt(db, 901)]).toEqual([[], [taskId]]);
  expect(await query(db, "select end_reason from triaged.workers")).toEqual([
    { end_reason: "process died" },
  ]);
});

test("a worker whose lock was taken before its start lives, and is found dead at two looks", async ({
  url,
  connect,
}) => {
  const [db, session] = [await connect(), await connect()];
  await using stranger = await openStranger(url);
  await lookAt(db, 0);
  const { workerId, taskId } = await startHolder(db);
  await squat(stranger, ["worker", workerId]);
  expect(await lock(session, workerId)).toBe(false);

  expect([await lookAt(db, 500), await lookAt(db, 1_000)]).toEqual([[], []]);
  await endSession(db, session);
  expect([await lookAt(db, 1_500), await lookAt(db, 1_901)]).toEqual([[], [taskId]]);
});

test("a refused try for a lock that a stranger keeps writes nothing again", async ({
  url,
  connect,
}) => {
  const [db, session] = [await connect(), await connect()];
  await using stranger = await openStranger(url);
  const { workerId } = await startHolder(db);
  await squat(stranger, ["worker", workerId]);
  await lock(session, workerId);
  const version = () => query(db, "select xmin, ctid from triaged.workers");
  const before = await version();

  expect(await lock(session, workerId)).toBe(false);

  expect(await version()).toEqual(before);
});

test("the process of a session that went to another one is no sign of life", async ({
  url,
  connect,
}) => {
  const [db, session] = [await connect(), await connect()];
  await using stranger = await openStranger(url);
  await lookAt(db, 0);
  const { workerId, taskId } = await startHolder(db);
  await lock(session, workerId);
  const waits = squat(stranger, ["worker", workerId]);
  await endSession(db, session);
  await waits;
  // As if the server had given the number to a process that began since.
  await db.query("update triaged.workers set session_pid = pg_backend_pid()");

  expect([await lookAt(db, 500), await lookAt(db, 7_500)]).toEqual([[], []]);
  expect([await lookAt(db, 7_501), await lookAt(db, 7_902)]).toEqual([[], [taskId]]);
});

test("a worker that beats late and holds its lock lives", async ({ connect }) => {
  const [db, session] = [await connect(), await connect()];
  await lookAt(db, 0);
  const { workerId } = await startHolder(db);
  await lock(session, workerId);

  expect([await lookAt(db, 8_000), await lookAt(db, 9_000), await lookAt(db, 14_000)]).toEqual([
    [],
    [],
    [],
  ]);
});

test("a worker whose old connection still has the lock lives by its new one", async ({
  connect,
}) => {
  const [db, half, session] = [await connect(), await connect(), await connect()];
  await lookAt(db, 0);
  const { workerId } = await startHolder(db);
  await lock(half, workerId);
  expect(await lock(session, workerId)).toBe(false);

  expect([await lookAt(db, 500), await lookAt(db, 8_000), await lookAt(db, 9_000)]).toEqual([
    [],
    [],
    [],
  ]);
});

test("a process that its supervisor saw exit is rescued though a stranger has its lock", async ({
  url,
  connect,
}) => {
  const [db, session] = [await connect(), await connect()];
  await using stranger = await openStranger(url);
  const { workerId } = await startHolder(db, { host: "here", pid: 42 });
  await lock(session, workerId);
  const waits = squat(stranger, ["worker", workerId]);
  await endSession(db, session);
  await waits;

  expect(await call(db, "rescue_process", { host: "here", pid: 42 })).toEqual([
    { worker_id: workerId, is_dead: true, tasks: 1, failed: 0 },
  ]);
});

test.for([
  ["partition", "select triaged.create_partitions()"],
  ["relationships", "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')"],
  ["compat old", "select from triaged.get_next_task('old')"],
] as const)(
  "a session that waits for the lock %s names its keeper",
  async ([kind, statement], { url, connect }) => {
    const db = await connect();
    await using stranger = await openStranger(url);
    await squat(stranger, [kind, 0]);

    const error = await db.query(statement).catch((err: unknown) => err);

    expect(error).toMatchObject({
      code: "55P03",
      message:
        `the advisory lock "${kind}" is held by pid ${stranger.pid} ` +
        `(role ${stranger.role}, application 'stranger')`,
      hint: expect.stringContaining("pg_terminate_backend"),
    });
    expect(await query(db, "show lock_timeout")).toEqual([{ lock_timeout: "0" }]);
  },
);

test("a lock_timeout that is shorter holds, and stays what it is", async ({ url, connect }) => {
  const db = await connect();
  await using stranger = await openStranger(url);
  await squat(stranger, ["relationships", 0]);
  await db.query("begin");
  await db.query("set local lock_timeout to '50ms'");

  expect(
    await refusal(db, () =>
      query(db, "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')"),
    ),
  ).toMatchObject({ code: "55P03" });
  expect(await query(db, "show lock_timeout")).toEqual([{ lock_timeout: "50ms" }]);
  await stranger.leave();
  await query(db, "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')");
  expect(await query(db, "show lock_timeout")).toEqual([{ lock_timeout: "50ms" }]);
  await db.query("rollback");
});

test("a compat worker that is known goes on though its lock is kept", async ({ url, connect }) => {
  const db = await connect();
  await using stranger = await openStranger(url);
  await query(db, "select from triaged.get_next_task('old')");
  await squat(stranger, ["compat old", 0]);

  expect(await query(db, "select from triaged.get_next_task('old')")).toEqual([]);
});

test.for(["pg_advisory_lock", "pg_advisory_lock_shared"] as const)(
  "enqueue notifies once a call, and does all else, while a stranger has the wake-up lock by %s",
  async (how, { url, connect }) => {
    const [db, listener] = [await connect(), await connect()];
    await using stranger = await openStranger(url);
    await squat(stranger, ["wake-up", 0], how);
    const said: (string | undefined)[] = [];
    listener.on("notification", ({ payload }) => said.push(payload));
    await listener.query('listen "triaged.wake_up"');

    const ids = [await enqueue(db), await enqueue(db)];
    await query(
      db,
      `select triaged.enqueue_tasks('[{"task_type": "noop"}, {"task_type": "noop"}]')`,
    );

    await waitFor(() => said.length >= 3);
    await listener.query("select");
    expect(said).toHaveLength(3);
    expect(ids).toHaveLength(2);
    expect(await query(db, "select count(*)::integer as tasks from triaged.live_tasks")).toEqual([
      { tasks: 4 },
    ]);
  },
);

test("a session that keeps a lock that is not its own is named, with those that wait for one", async ({
  url,
  connect,
}) => {
  const [db, session, sleeper] = [await connect(), await connect(), await connect()];
  await using stranger = await openStranger(url);
  await using waiter = await openStranger(url, { name: "waiter" });
  const { workerId } = await startHolder(db);
  await lock(session, workerId);
  await sleeper.query("select pg_advisory_lock_shared(triaged.lock_key('wake-up', 0))");
  expect(await call(db, "foreign_locks")).toEqual([]);

  const waits = squat(waiter, ["worker", workerId]);
  await squat(stranger, ["wake-up", 0], "pg_advisory_lock_shared");
  await squat(stranger, ["migrate", 0]);

  const told = ({ role, pid }: typeof stranger, application: string) => ({
    role,
    pid,
    application,
  });
  await waitFor(async () => (await call(db, "foreign_locks")).length === 3);
  expect(await call(db, "foreign_locks")).toEqual([
    { lock: "migrate", ...told(stranger, "stranger") },
    { lock: "wake-up", ...told(stranger, "stranger") },
    { lock: `worker ${workerId}`, ...told(waiter, "waiter") },
  ]);
  await session.query("select pg_advisory_unlock_all()");
  await waits;
});
