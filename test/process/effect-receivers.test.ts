// Goal: a receiver that misbehaves costs no effect, makes no second one, and leads nowhere else.
// Method: deliver rows of a real outbox to a real server on loopback, which misbehaves.

import type { Client } from "pg";
import { expect } from "vitest";
import { CircuitBreaker } from "../../src/system/http.ts";
import { test } from "../support/connections.ts";
import { addEffect, deliver, effectsConfig, toGithub, toWebhook } from "../support/effects.ts";
import { answerFirst, startStub } from "../support/http-servers.ts";
import { queryOne } from "../support/tasks.ts";

const isPost = (method: string) => method === "POST";

test("a server that stumbles is tried again within the attempt", async ({ client }) => {
  await using stub = await startStub(answerFirst(2, 500));

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "delivered", attempts: 1 });
  expect(stub.issues).toHaveLength(1);
});

test("a server that is down has the effect wait, and the reason is told", async ({ client }) => {
  await using stub = await startStub(answerFirst(Infinity, 503));
  const id = await addEffect(client);

  const effect = await deliver(client, id, { config: toGithub(stub.url) });

  const host = new URL(stub.url).host;
  expect(effect).toMatchObject({ status: "pending", last_error: `${host} answered 503` });
  expect(stub.received).toHaveLength(3);
  expect(
    await queryOne(client, "select due_at > now() + interval '3 s' as waits from triaged.effects"),
  ).toEqual({ waits: true });
});

test.for([
  [429, { "retry-after": "1800" }],
  [403, { "retry-after": "1800" }],
  [503, { "retry-after": "1800" }],
  [
    403,
    {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 1800),
    },
  ],
] as const)(
  "an answer of %j is waited for as long as it asks",
  async ([status, headers], { client }) => {
    await using stub = await startStub(answerFirst(1, status, headers));

    const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

    expect(effect).toMatchObject({ status: "pending" });
    expect(stub.received).toHaveLength(1);
    expect(
      await queryOne(
        client,
        `select due_at between now() + interval '29 min' and now() + interval '31 min' as waits
       from triaged.effects`,
      ),
    ).toEqual({ waits: true });
  },
);

test.for([401, 403, 404, 410, 422])("%i is final", async (status, { client }) => {
  await using stub = await startStub(answerFirst(Infinity, status));

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({
    status: "failed",
    last_error: `${new URL(stub.url).host} answered ${status}`,
  });
  expect(stub.received).toHaveLength(1);
});

test("nonsense in place of the known issues makes no issue", async ({ client }) => {
  await using stub = await startStub(({ method }, response) => {
    if (isPost(method)) {
      return false;
    }
    response.end("<html>welcome</html>");
    return true;
  });

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({
    status: "pending",
    last_error: "the answer is not what was asked for",
  });
  expect(stub.issues).toEqual([]);
});

test("nonsense in the answer to a new issue does not make another one", async ({ client }) => {
  await using stub = await startStub((received, response, self) => {
    if (!isPost(received.method)) {
      return false;
    }
    self.createIssue(received);
    response.writeHead(201).end("{");
    return true;
  });

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "delivered", external_ref: null });
  expect(stub.issues).toHaveLength(1);
});

test("a server that hangs is left when the process stops, and the effect waits", async ({
  client,
}) => {
  const stop = new AbortController();
  await using stub = await startStub(() => {
    stop.abort();
    return true;
  });

  const effect = await deliver(client, await addEffect(client), {
    config: toGithub(stub.url),
    signal: stop.signal,
  });

  expect(effect).toMatchObject({ status: "pending" });
  expect(stub.received).toHaveLength(1);
});

test("a host that fails too often is left alone for a while", async ({ client }) => {
  await using stub = await startStub(answerFirst(Infinity, 500));
  const config = toGithub(stub.url);
  const breaker = new CircuitBreaker({ failuresMax: 5, windowMs: 30_000, pauseMs: 30_000 });
  for (const key of ["a", "b"]) {
    await deliver(client, await addEffect(client, { key }), { config, breaker });
  }

  const effect = await deliver(client, await addEffect(client, { key: "c" }), { config, breaker });

  expect(stub.received).toHaveLength(5);
  expect(effect).toMatchObject({
    status: "pending",
    last_error: `${new URL(stub.url).host} failed too often and is left alone for a while`,
  });
});

test("a redirect is not followed, wherever it leads", async ({ client }) => {
  await using inside = await startStub();
  await using stub = await startStub((_received, response) => {
    response.writeHead(302, { location: `${inside.url}/latest/meta-data` }).end();
    return true;
  });
  const id = await addEffect(client, { kind: "webhook" });

  const effect = await deliver(client, id, { config: toWebhook(`${stub.url}/hook`) });

  expect(effect).toMatchObject({ status: "failed" });
  expect(effect["last_error"]).toContain("redirects are not followed");
  expect(inside.received).toEqual([]);
});

/** An effect that is to go to the address, by each way that strangers may name one. */
const WAYS = {
  webhook: async (client: Client, url: string) => ({
    config: effectsConfig({ webhook: { url, format: "json" } }),
    id: await addEffect(client, { kind: "webhook" }),
  }),
  alert: async (client: Client, url: string) => ({
    config: effectsConfig({ alerts: { ...effectsConfig().alerts, url, format: "json" } }),
    id: await addEffect(client, {
      kind: "alert",
      payload: { alert: "failed", subject: "1", detail: null, occurred_at: "2026-01-01T00:00:00Z" },
    }),
  }),
  push: async (client: Client, url: string) => {
    const { config_id } = await queryOne<{ config_id: string }>(
      client,
      `insert into triaged.push_configs (task_id, url, created_at)
       values (1, $1, triaged.now()) returning id as config_id`,
      [url],
    );
    const payload = { config_id, body: { taskId: "1" } };
    return { config: effectsConfig(), id: await addEffect(client, { kind: "push", payload }) };
  },
};
type Way = keyof typeof WAYS;

test.for([
  ["webhook", "127.0.0.1"],
  ["webhook", "localhost"],
  ["webhook", "[::1]"],
  ["webhook", "0x7f000001"],
  ["webhook", "[::ffff:127.0.0.1]"],
  ["alert", "127.0.0.1"],
  ["alert", "localhost"],
  ["push", "127.0.0.1"],
  // Public when the config was set, and private by the time of the push.
  ["push", "localhost"],
] satisfies [Way, string][])("by %s nothing is sent to %s", async ([way, host], { client }) => {
  await using stub = await startStub();
  const { id, config } = await WAYS[way](client, `http://${host}:${new URL(stub.url).port}/hook`);

  const effect = await deliver(client, id, { config });

  expect(effect).toMatchObject({ status: "failed" });
  expect(effect["last_error"]).toContain("is a private address");
  expect(stub.received).toEqual([]);
});
