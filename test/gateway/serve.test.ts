// Goal: `triaged serve` as a process: it says where it listens, refuses what would harm, and ends
// without losing a request.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { freePort } from "../support/folders-and-ports.ts";
import { startServe } from "../support/gateway.ts";
import { runCli } from "../support/processes.ts";

test("it serves health, and describes itself, until it is told to stop", async ({ url }) => {
  await using serve = await startServe({ DATABASE_URL: url });
  const { address } = serve;

  const health = await fetch(`${address}/health`);
  const ready = await fetch(`${address}/ready`);
  const document = await fetch(`${address}/openapi.json`);

  expect([health.status, await health.json()]).toMatchObject([
    200,
    { status: "healthy", process: "alive" },
  ]);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: "ready", database: "healthy" },
  ]);
  expect(await document.json()).toMatchObject({ openapi: "3.1.0" });
  // fetch keeps its connections open: they do not hold up the end.
  serve.signal("SIGTERM");
  expect(await serve.ended).toMatchObject({ code: 0, stdout: "" });
});

test("a request that it has accepted is answered after SIGTERM, and no other is", async ({
  url,
}) => {
  await using serve = await startServe({ DATABASE_URL: url });
  const port = Number(new URL(serve.address).port);
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  socket.write("GET /health HTTP/1.1\r\nHost: x\r\n");
  await once(socket, "connect");
  // Its first lines are read by the time that another request is answered.
  await (await fetch(`${serve.address}/ready`)).text();

  serve.signal("SIGTERM");
  await waitFor(() => serve.output.stderr.includes("told to stop"));
  socket.write("\r\n");

  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 (?:200|503) /);
  expect(answer.toLowerCase()).toContain("connection: close");
  await expect(fetch(`${serve.address}/health`)).rejects.toThrow("fetch failed");
  expect(await serve.ended).toMatchObject({ code: 0 });
});

test("without its database it lives, is not ready, and gets ready by itself", async ({ url }) => {
  const away = new URL(url);
  const port = await freePort();
  const { hostname, port: behind } = away;
  away.hostname = "127.0.0.1";
  away.port = String(port);
  await using serve = await startServe({ DATABASE_URL: away.href });
  const { address } = serve;

  const health = await fetch(`${address}/health`);
  const ready = await fetch(`${address}/ready`);

  expect(health.status).toBe(200);
  expect([ready.status, ready.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await ready.json()).toMatchObject({ error: "not_ready" });
  const proxy = createServer((client) => {
    const database = connect(Number(behind === "" ? "5432" : behind), hostname);
    client.pipe(database).pipe(client);
    for (const socket of [client, database]) socket.on("error", () => client.destroy());
  });
  proxy.listen(port, "127.0.0.1");
  await waitFor(async () => (await fetch(`${address}/ready`)).status === 200);
  serve.signal("SIGTERM");
  expect(await serve.ended).toMatchObject({ code: 0 });
  proxy.close();
});

test("a port that is taken is named, with what to do", async ({ url }) => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const { code, stderr } = await runCli(["serve", "--port", String(port)], {
    env: { DATABASE_URL: url },
  });

  expect(code).toBe(78);
  expect(stderr).toContain(`error: port ${port} of 127.0.0.1 is taken by another process`);
  expect(stderr).toContain("hint: set PORT to another one");
  other.close();
});

test.for([
  [{ HOST: "0.0.0.0" }, "HOST=0.0.0.0 would open the queue to a network, and there is no key"],
  [
    { HOST: "::", REQUIRE_AUTH: "false", ORCHESTRATOR_API_KEY: "a-key-of-sixteen" },
    "HOST=:: with REQUIRE_AUTH=false would open the queue to a network",
  ],
  [{ REQUIRE_AUTH: "true" }, "REQUIRE_AUTH=true, and there is no key to ask for"],
  [{ ORCHESTRATOR_API_KEY: "short" }, "ORCHESTRATOR_API_KEY: expected at least 16 characters"],
  [{ API_KEYS_FILE: "/nowhere/keys" }, "API_KEYS_FILE: /nowhere/keys cannot be read"],
] as const)("%j is refused in a sentence", async ([env, sentence]) => {
  const { code, stderr } = await runCli(["serve"], {
    env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none", PORT: "0", ...env },
  });

  expect(code).toBe(78);
  expect(stderr).toContain(`error: ${sentence}`);
  expect(stderr).toMatch(/\nhint: .{10}/);
});

test("an address that is not this machine's is named", async ({ url }) => {
  const { code, stderr } = await runCli(["serve", "--host", "192.0.2.1", "--port", "0"], {
    env: { DATABASE_URL: url, ORCHESTRATOR_API_KEY: "a-key-of-sixteen" },
  });

  expect(code).toBe(78);
  expect(stderr).toContain("error: HOST=192.0.2.1 is no address of this machine");
});
