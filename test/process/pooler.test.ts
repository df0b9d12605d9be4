// Goal: workers work behind a pooler in transaction mode, which gives each transaction
// another session. Needs Debian's pgbouncer.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { hasPgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, waitForStatus } from "../support/tasks.ts";

const WARNING =
  "a pooler stands before the database: polling, and a crash is noticed by the lease alone";

test.skipIf(!hasPgbouncer)("behind a pooler alone, workers poll", async ({ url, client }) => {
  await using pooler = await startPgbouncer(url);
  await using first = startWorkerProcess(pooler.url);
  await using second = startWorkerProcess(pooler.url);
  const tasks: string[] = [];
  for (let index = 0; index < 50; index += 1) {
    tasks.push(await enqueue(client));
  }

  for (const taskId of tasks) {
    await waitForStatus(client, taskId, "finished");
  }

  for (const worker of [first, second]) {
    await expect
      .poll(worker.log)
      .toContainEqual(expect.objectContaining({ msg: "worker started" }));
    await expect.poll(worker.log).toContainEqual(expect.objectContaining({ msg: WARNING }));
  }
  const { rows } = await client.query("select has_session_lock from triaged.workers");
  expect(rows).toEqual([{ has_session_lock: false }, { has_session_lock: false }]);
  for (const worker of [first, second]) {
    worker.signal("SIGTERM");
    expect(await worker.exited).toBe(0);
  }
});

test.skipIf(!hasPgbouncer)(
  "with a direct address beside the pooler, a worker hears notifications and holds its lock",
  async ({ url, client }) => {
    await using pooler = await startPgbouncer(url);
    await using worker = startWorkerProcess(pooler.url, {
      env: { DATABASE_DIRECT_URL: url, POLL_INTERVAL: "3600" },
    });
    await waitForStatus(client, await enqueue(client), "finished");

    await waitForStatus(client, await enqueue(client), "finished");

    await expect
      .poll(async () => {
        const { rows } = await client.query("select has_session_lock from triaged.workers");
        return rows;
      })
      .toEqual([{ has_session_lock: true }]);
    expect(worker.log()).not.toContainEqual(expect.objectContaining({ msg: WARNING }));
  },
);
