// Goal: nobody is left with the wake-up lock, and nobody waits for whoever keeps it.

import { expect } from "vitest";
import { NotificationListener } from "../../src/database/listener.ts";
import { codeOf } from "../../src/database/sqlstate.ts";
import { pidOf, test, waitFor } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

const CANCELS = 30;

test("a caller that is cancelled while it notifies keeps no lock", async ({ connect }) => {
  const [caller, db] = [await connect(), await connect()];
  const pid = pidOf(caller);
  const ends: unknown[] = [];

  for (let round = 0; round < CANCELS; round += 1) {
    let error: unknown;
    const notifying = caller
      .query("do $$ begin loop perform triaged.wake_workers(); end loop; end $$")
      .catch((err: unknown) => {
        error = codeOf(err);
      });
    // Again and again: a cancel before the loop begins is lost.
    await waitFor(async () => {
      await db.query("select pg_cancel_backend($1)", [pid]);
      return error !== undefined;
    });
    await notifying;
    const locks = await query(db, "select from pg_locks where locktype = 'advisory' and pid = $1", [
      pid,
    ]);
    ends.push({ error, locks: locks.length });
  }

  expect(ends).toEqual(Array.from({ length: CANCELS }, () => ({ error: "57014", locks: 0 })));
});

test("nobody waits for the wake-up lock that somebody keeps", async ({ url, connect }) => {
  const keeper = await connect();
  await keeper.query("select pg_advisory_lock(triaged.lock_key('wake-up', 0))");
  const listener = new NotificationListener({ connectionString: url }, "triaged");
  const running = listener.run();
  await new Promise<void>((resolve) => {
    listener.once("restored", resolve);
  });

  expect(await listener.arm()).toBe(false);
  await keeper.query("select pg_advisory_unlock_all()");
  expect(await listener.arm()).toBe(true);
  await listener.close();
  await running;
});

test("a listener that is closed while it connects leaves no connection", async ({
  url,
  connect,
}) => {
  const db = await connect();
  const listener = new NotificationListener(
    { connectionString: url, application_name: "closing" },
    "triaged",
  );

  const running = listener.run();
  await listener.close();
  await running;

  await waitFor(async () => {
    const open = await query(db, "select from pg_stat_activity where application_name = 'closing'");
    return open.length === 0;
  });
});

test("a notification names the lane of a single task, and none of several", async ({
  url,
  connect,
}) => {
  const db = await connect();
  const listener = new NotificationListener({ connectionString: url }, "triaged");
  const running = listener.run();
  await new Promise<void>((resolve) => {
    listener.once("restored", resolve);
  });
  await listener.arm();
  const said: string[] = [];
  listener.on("notified", (text) => said.push(text));

  await query(db, "select triaged.enqueue_task('send', '{}', 'mails', priority => 'critical')");
  await query(db, `select triaged.enqueue_tasks('[{"task_type": "send"}, {"task_type": "ping"}]')`);

  await waitFor(() => said.length === 2);
  expect(said).toEqual(['["mails", "send", 0]', ""]);
  await listener.close();
  await running;
});

test("a session on which something failed is replaced", async ({ url }) => {
  const listener = new NotificationListener({ connectionString: url }, "triaged");
  const restored = () =>
    new Promise<void>((resolve) => {
      listener.once("restored", resolve);
    });
  const first = restored();
  const running = listener.run();
  await first;
  const before = await backendOf(listener);

  const second = restored();
  await expect(listener.session?.query({ text: "select 1 / 0" })).rejects.toThrow(/zero/);
  await second;

  expect(await backendOf(listener)).not.toBe(before);
  await listener.close();
  await running;
});

async function backendOf(listener: NotificationListener): Promise<unknown> {
  const rows = await listener.session?.query({ text: "select pg_backend_pid() as pid" });
  return rows?.[0]?.["pid"];
}
