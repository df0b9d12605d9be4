// Goal: a worker that sleeps starts at once what it is notified of, and misses nothing for it.

import type { Client } from "pg";
import { test, waitFor } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, waitForStatus } from "../support/tasks.ts";

/** The sessions that claim now, or did last. */
async function claiming(client: Client, { having = "true" } = {}): Promise<unknown[]> {
  const rows = await query(
    client,
    `select application_name from pg_stat_activity
     where datname = current_database() and query like '%triaged.claim\\_tasks%'
       and pid <> pg_backend_pid() and ${having}`,
  );
  return rows.map((row) => row["application_name"]);
}

test("a task that is due without a notification starts with the next poll, while others are notified of", async ({
  url,
  client,
}) => {
  await using _worker = startWorkerProcess(url);
  await waitForStatus(client, await enqueue(client), "finished");
  const due = await enqueue(client, {
    task_type: "wait",
    payload: { ms: 1 },
    run_at: new Date(Date.now() + 300).toISOString(),
  });

  await waitFor(async () => {
    await enqueue(client, { task_type: "noop" });
    const [task] = await query(client, "select status from triaged.tasks where task_id = $1", [
      due,
    ]);
    return task?.["status"] === "finished";
  });
});

test("of two tasks that notify at once neither waits for a poll", async ({ url, client }) => {
  const env = { POLL_INTERVAL: "60" };
  await using _worker = startWorkerProcess(url, { env });
  await waitForStatus(client, await enqueue(client), "finished");

  // With a look around after a second each, they would take longer than a test may.
  for (let turn = 0; turn < 100; turn += 1) {
    const { rows } = await client.query<{ noop: string; wait: string }>(
      `select
         (select task_id from triaged.enqueue_task('noop')) as noop,
         (select task_id from triaged.enqueue_task('wait', '{"ms": 1}')) as wait`,
    );
    await waitForStatus(client, rows[0]?.noop ?? "", "finished");
    await waitForStatus(client, rows[0]?.wait ?? "", "finished");
  }
});

test("a worker that was notified claims on the session that heard of it", async ({
  url,
  client,
}) => {
  await using _worker = startWorkerProcess(url);

  await waitUntilItClaimsWhereItHeard(client);
});

test("a session that does not answer is not asked twice", async ({ url, connect }) => {
  const client = await connect();
  const blocker = await connect();
  await using _worker = startWorkerProcess(url);
  await waitUntilItClaimsWhereItHeard(client);
  await blocker.query("begin");
  await blocker.query("lock table triaged.task_types in access exclusive mode");
  await client.query("select triaged.wake_workers_of_lane('default', 'noop', 2::smallint)");

  await waitFor(async () =>
    (await claiming(client, { having: "wait_event_type = 'Lock'" })).includes("triaged worker"),
  );

  await blocker.query("commit");
  await waitForStatus(client, await enqueue(client), "finished");
});

/** A task that comes while it does not sleep yet is claimed as all others are. */
async function waitUntilItClaimsWhereItHeard(client: Client): Promise<void> {
  await waitFor(async () => {
    await waitForStatus(client, await enqueue(client), "finished");
    return (await claiming(client)).includes("triaged worker session");
  });
}
