// Goal: a worker whose database is down claims nothing until its health says that it is back, and
// says both.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "vitest";
import { createDatabase, test, waitFor } from "../support/connections.ts";
import { urlOf, withPool } from "../support/databases.ts";
import { freePort } from "../support/folders-and-ports.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue } from "../support/tasks.ts";

const STOPS = "the database is down; claiming nothing until it answers";
const GOES_ON = "the database is up; claiming again";

/** A way to the database that can be taken away, and given back at the same port. */
async function wayTo(databaseUrl: string) {
  const { hostname, port: behind, pathname } = new URL(databaseUrl);
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server;
  const open = async () => {
    server = createServer((client) => {
      const database = connect(Number(behind === "" ? "5432" : behind), hostname);
      for (const socket of [client, database]) {
        sockets.add(socket);
        socket.on("error", () => client.destroy());
      }
      client.pipe(database).pipe(client);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  await open();
  const url = new URL(urlOf(databaseUrl, pathname.slice(1)));
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return { url: url.href, open, close };
}

test("a worker stops claiming while the database is down, says so, and goes on after", async () => {
  const { url, drop } = await createDatabase();
  const way = await wayTo(url);
  await using worker = startWorkerProcess(way.url);
  const said = () => worker.log().map(({ msg }) => msg);
  await withPool(url, async (db) => {
    const isFinished = async (tasks: number) =>
      (await db.query("select from triaged.tasks where status = 'finished'")).rowCount === tasks;
    await enqueue(db);
    await waitFor(() => isFinished(1), { deadlineMs: 20_000 });

    way.close();
    await waitFor(() => said().includes(STOPS), { deadlineMs: 40_000 });
    await enqueue(db);
    expect(said()).not.toContain(GOES_ON);
    await way.open();
    await waitFor(() => isFinished(2), { deadlineMs: 20_000 });
  });

  expect(said()).toContain(GOES_ON);
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
  way.close();
  await drop();
});
