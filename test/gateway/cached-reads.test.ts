// Goal: GET of a task costs the database nothing while nothing happens to it, and shows what the
// client itself has done.

import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { startGateway } from "../support/gateway.ts";
import { enqueue } from "../support/tasks.ts";

test("a task that is asked for again comes from memory, until something happens to it", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client, { payload: { n: 12_345 } });
  const ask = async () => (await gateway.send("GET", `/api/tasks/${taskId}`)).body;
  const first = await ask();
  await waitFor(async () => {
    const { hits } = gateway.tasks.counts;
    const again = await ask();
    expect(again).toEqual(first);
    return gateway.tasks.counts.hits > hits;
  });

  await client.query("select triaged.cancel_task($1)", [taskId]);

  await waitFor(async () => (await ask()).status === "cancelled");
});

test.for(["cancel", "PATCH"])(
  "a change by %s is seen by the next look",
  async (word, { url, client }) => {
    await using gateway = await startGateway(url);
    const taskId = await enqueue(client);
    const ask = async () => (await gateway.send("GET", `/api/tasks/${taskId}`)).body;
    await waitFor(async () => {
      await ask();
      return gateway.tasks.counts.hits > 0;
    });

    const { status } =
      word === "PATCH"
        ? await gateway.send("PATCH", `/api/agent/tasks/${taskId}`, {
            json: { status: "cancelled" },
          })
        : await gateway.send("POST", `/api/tasks/${taskId}/cancel`);

    expect(status).toBe(200);
    expect((await ask()).status).toBe("cancelled");
  },
);

test("Cache-Control: no-cache asks the database", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client);
  await waitFor(async () => {
    await gateway.send("GET", `/api/tasks/${taskId}`);
    return gateway.tasks.counts.hits > 0;
  });
  await client.query("select triaged.cancel_task($1)", [taskId]);
  const headers = { "cache-control": "no-cache" };

  const { body } = await gateway.send("GET", `/api/tasks/${taskId}`, { headers });

  expect(body.status).toBe("cancelled");
});
