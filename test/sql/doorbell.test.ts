// Goal: nobody is left with the lock of the doorbell, and nobody waits for one who is.

import { expect } from "vitest";
import { NotificationListener } from "../../src/database/listener.ts";
import { codeOf } from "../../src/database/sqlstate.ts";
import { pidOf, test, waitFor } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

const CANCELS = 30;

test("a caller that is cancelled while it rings keeps no lock", async ({ connect }) => {
  const [ringing, db] = [await connect(), await connect()];
  const pid = pidOf(ringing);
  const ends: unknown[] = [];

  for (let round = 0; round < CANCELS; round += 1) {
    let error: unknown;
    const rings = ringing
      .query("do $$ begin loop perform triaged.ring_doorbell(); end loop; end $$")
      .catch((err: unknown) => {
        error = codeOf(err);
      });
    // Again and again: a cancel before the loop begins is lost.
    await waitFor(async () => {
      await db.query("select pg_cancel_backend($1)", [pid]);
      return error !== undefined;
    });
    await rings;
    const locks = await query(db, "select from pg_locks where locktype = 'advisory' and pid = $1", [
      pid,
    ]);
    ends.push({ error, locks: locks.length });
  }

  expect(ends).toEqual(Array.from({ length: CANCELS }, () => ({ error: "57014", locks: 0 })));
});

test("a doorbell whose lock somebody keeps is not waited for", async ({ url, connect }) => {
  const keeper = await connect();
  await keeper.query("select pg_advisory_lock(triaged.lock_key('doorbell', 0))");
  const doorbell = new NotificationListener({ connectionString: url }, "triaged");
  const running = doorbell.run();
  await new Promise<void>((resolve) => {
    doorbell.once("restored", resolve);
  });

  expect(await doorbell.arm()).toBe(false);
  await keeper.query("select pg_advisory_unlock_all()");
  expect(await doorbell.arm()).toBe(true);
  await doorbell.close();
  await running;
});

test("a doorbell that is closed while it connects leaves no connection", async ({
  url,
  connect,
}) => {
  const db = await connect();
  const doorbell = new NotificationListener(
    { connectionString: url, application_name: "closing" },
    "triaged",
  );

  const running = doorbell.run();
  await doorbell.close();
  await running;

  await waitFor(async () => {
    const open = await query(db, "select from pg_stat_activity where application_name = 'closing'");
    return open.length === 0;
  });
});

test("the bell names the lane of a single task, and none of several", async ({ url, connect }) => {
  const db = await connect();
  const doorbell = new NotificationListener({ connectionString: url }, "triaged");
  const running = doorbell.run();
  await new Promise<void>((resolve) => {
    doorbell.once("restored", resolve);
  });
  await doorbell.arm();
  const said: string[] = [];
  doorbell.on("ring", (text) => said.push(text));

  await query(db, "select triaged.enqueue_task('send', '{}', 'mails', priority => 'critical')");
  await query(db, `select triaged.enqueue_tasks('[{"task_type": "send"}, {"task_type": "ping"}]')`);

  await waitFor(() => said.length === 2);
  expect(said).toEqual(['["mails", "send", 0]', ""]);
  await doorbell.close();
  await running;
});

test("a session on which something failed is replaced", async ({ url }) => {
  const doorbell = new NotificationListener({ connectionString: url }, "triaged");
  const restored = () =>
    new Promise<void>((resolve) => {
      doorbell.once("restored", resolve);
    });
  const first = restored();
  const running = doorbell.run();
  await first;
  const before = await backendOf(doorbell);

  const second = restored();
  await expect(doorbell.session?.query({ text: "select 1 / 0" })).rejects.toThrow(/zero/);
  await second;

  expect(await backendOf(doorbell)).not.toBe(before);
  await doorbell.close();
  await running;
});

async function backendOf(doorbell: NotificationListener): Promise<unknown> {
  const rows = await doorbell.session?.query({ text: "select pg_backend_pid() as pid" });
  return rows?.[0]?.["pid"];
}
