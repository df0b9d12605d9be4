// Goal: a service in another language needs the OpenAPI document, or no more than curl; and the
// commands by which people of the older system look whether it works, work.

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { Queryable } from "../../src/index.ts";
import { found, test, waitFor } from "../support/connections.ts";
import { keysOf, startGateway } from "../support/gateway.ts";
import { relate } from "../support/relationships.ts";
import { claimTasks, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";

const run = promisify(execFile);
const PROGRAMS = path.join(import.meta.dirname, "../programs");

async function greet(client: Queryable): Promise<void> {
  const worker = await startWorker(client, { task_types: ["greet"] });
  const task = found(await waitFor(async () => (await claimTasks(client, worker))[0]));
  await settle(client, [outcomeOf(task, "finish", { result: { text: "Hello, Ada" } })]);
}

test("a Python client that is made of the document enqueues a task, and waits for it", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { keys: keysOf(["enqueue"]) });

  const program = path.join(PROGRAMS, "client_from_openapi.py");
  const [{ stdout }] = await Promise.all([
    run("python3", [program, gateway.url, "key-of-enqueue"]),
    greet(client),
  ]);

  expect(JSON.parse(stdout)).toEqual({
    status: "finished",
    result: { text: "Hello, Ada" },
    listed: true,
    refused: "postApiTasks takes no prority",
  });
});

test("a shell with nothing but curl enqueues a task, and waits for it", async ({ url, client }) => {
  await using gateway = await startGateway(url);

  const [{ stdout }] = await Promise.all([
    run("sh", [path.join(PROGRAMS, "curl-only.sh"), gateway.url]),
    greet(client),
  ]);

  expect(JSON.parse(stdout)).toEqual({ text: "Hello, Ada" });
});

test("each operation of the document has a name of its own", async ({ database }) => {
  await using gateway = await startGateway(database.url);
  const { body } = await gateway.send("GET", "/openapi.json");

  const names = Object.values<Record<string, { operationId: string }>>(body.paths)
    .flatMap((operations) => Object.values(operations))
    .map(({ operationId }) => operationId);

  expect(names.length).toBeGreaterThan(30);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^[a-z][A-Za-z0-9]+$/.test(name))).toEqual([]);
});

/** As the older system's own pages have them, but for where it listens. */
const COMMANDS = [
  `curl http://localhost:8080/`,
  `curl http://localhost:8080/health`,
  `curl http://localhost:8080/.well-known/agent.json`,
  `curl http://localhost:8080/a2a/health`,
  `curl http://localhost:8080/a2a/skills`,
  `curl http://localhost:8080/api/relationships`,
  `curl http://localhost:8080/api/relationships/your-org/your-repo`,
  `curl -X POST http://localhost:8080/a2a/execute \\
  -H "Content-Type: application/json" \\
  -d '{
    "skill_name": "get_dependencies",
    "input_data": {
      "repo": "your-org/your-repo"
    }
  }'`,
  `curl -X POST http://localhost:8080/api/webhook/change-notification \\
  -H "Content-Type: application/json" \\
  -d '{"source_repo":"your-org/your-repo","commit_sha":"test","commit_message":"test","branch":"main","changed_files":[],"pattern_summary":{"keywords":[],"patterns":[]},"timestamp":"2025-12-04T00:00:00Z"}'`,
];

test("the older system's commands for a look at it work as they are", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  await relate(client, "your-org/your-repo", "your-org/consumer");
  const { port } = new URL(gateway.url);

  for (const command of COMMANDS) {
    const { stdout } = await run("sh", [
      "-c",
      command.replace("curl ", "curl -fsS ").replace("localhost:8080", `localhost:${port}`),
    ]);
    expect([command, JSON.parse(stdout)]).toEqual([command, expect.any(Object)]);
  }

  const rows = await query(client, "select task_type from triaged.tasks order by task_id");
  expect(rows.map(({ task_type }) => task_type)).toEqual([
    "change_notification",
    "consumer_triage",
  ]);
});
