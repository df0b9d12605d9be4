// Goal: a stranger who fills the server's room for notifications stops neither enqueue nor cancel.
// Method: a server of its own, whose room is small; 17 and later can be told so.

import { join } from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import { startEmbedded } from "../../src/postgres/embedded.ts";
import { migrate } from "../support/migrate.ts";
import { openStranger } from "../support/stranger.ts";
import { claimTasks, enqueue, query, startWorker } from "../support/tasks.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

test("tasks are enqueued and cancelled while there is no room for notifications", async () => {
  const folder = await makeTemporaryFolder();
  const server = await startEmbedded({
    folder: join(folder.path, "server"),
    settings: { max_notify_queue_pages: 64 },
  });
  try {
    await migrate({ connectionString: server.url });
    await using keeper = await openStranger(server.url);
    await using filler = await openStranger(server.url);
    const db = new Client({ connectionString: server.url });
    await db.connect();
    await keeper.client.query(
      "select pg_advisory_lock_shared(hashtextextended('triaged.doorbell', 0))",
    );
    await keeper.client.query('listen "triaged.doorbell"');
    const started = await enqueue(db);
    await claimTasks(db, await startWorker(db));
    await keeper.client.query("begin");
    await keeper.client.query("select");

    const fills = async () => {
      for (;;) await filler.client.query(`select pg_notify('any', repeat('x', 7000))`);
    };
    await expect(fills()).rejects.toThrow(/too many notifications/);

    expect(await enqueue(db)).toBe("2");
    expect(await query(db, "select triaged.cancel_task($1) as said", [started])).toEqual([
      { said: "requested" },
    ]);
    await keeper.leave();
    await db.end();
  } finally {
    await server.stop();
    await folder.remove();
  }
});
