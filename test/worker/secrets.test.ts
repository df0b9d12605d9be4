// Goal: no secret of the worker's settings shows in a log, in the database or in an answer of
// a command, also where the other side fails, and tells what it was sent.
// Method: real processes with a secret in each setting that may hold one, talking to a server
// that refuses everything and repeats the credentials it got; then a search in all there is.

import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { runCli, startCli } from "../support/cli.ts";
import { waitFor } from "../support/db.ts";
import { readEffects } from "../support/effects.ts";
import { serve } from "../support/http-server.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../support/llm-service-change.ts";
import { enqueue, query } from "../support/tasks.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/upgrade.ts";
import { test, waitForStatus } from "../support/worker-test.ts";

/** The handlers that come with triaged. */
const TASKS = path.join(import.meta.dirname, "..", "..", "tasks");
const PATIENT = { deadlineMs: 20_000 };

const TOKEN = "ghp_s3cret0token";
const SECRETS = [
  TOKEN,
  Buffer.from(`x-access-token:${TOKEN}`).toString("base64"),
  "s3cret0hook",
  "s3cret0key",
  "s3cret0password",
];

test("a secret shows nowhere, though every remote fails and repeats it", async ({
  url,
  client,
}) => {
  const folder = await makeTemporaryFolder();
  await writeTree(path.join(folder.path, "consumer"), {}, LLM_CONSUMER);
  await using server = await serve((request, response) => {
    const { authorization = "", ...headers } = request.headers;
    response.writeHead(request.url?.includes("info/refs") === true ? 403 : 500, {
      "content-type": "text/plain",
      "x-echo": authorization,
    });
    response.end(`you sent ${authorization} ${headers["x-api-key"] ?? ""} to ${request.url}\n`);
  });
  // Of a role that may log in without it; what counts is that the URL holds one.
  const withPassword = new URL(url);
  if (withPassword.password === "") withPassword.password = "s3cret0password";
  const secrets = [...SECRETS, decodeURIComponent(withPassword.password)];
  const env = {
    DATABASE_URL: withPassword.href,
    LOG_LEVEL: "trace",
    REPO_CACHE_DIR: path.join(folder.path, "cache"),
    GITHUB_CLONE_BASE: server.url,
    GITHUB_API_URL: server.url,
    GITHUB_TOKEN: TOKEN,
    WEBHOOK_URL: `${server.url}/hook/s3cret0hook`,
    ALLOW_PRIVATE_WEBHOOKS: "true",
    LLM_PROVIDER: "anthropic",
    LLM_API_KEY: "s3cret0key",
    LLM_MODEL: "model",
    LLM_BASE_URL: server.url,
  };
  const worker = startCli(["work", "--tasks", TASKS], { env });
  const jobs = startCli(["jobs"], { env });
  try {
    const refused = await triage(client, { commit_sha: "0a1b2c3", changed_files: null });
    const judged = await triage(client, {}, { path: path.join(folder.path, "consumer") });
    // Nobody knows this consumer, so that a model is asked.
    const open = await triage(client, { commit_sha: "no sha of git" });
    await waitForStatus(client, judged, "finished");
    await waitForStatus(client, open, "finished");
    await waitForStatus(client, refused, "failed");
    await waitFor(async () => await triedAll(client), PATIENT);

    const commands = await Promise.all(
      [
        ["work", "--print-config"],
        ["show", refused],
        ["show", refused, "--json"],
        ["show", judged, "--json"],
        ["show", open, "--json"],
        ["history", refused, "--json"],
        ["why", refused],
        ["list", "--json"],
        ["effects", "list", "--json"],
        ["stats", "--json"],
        ["doctor", "--json"],
      ].map((words) => runCli(words, { env })),
    );

    const told = [
      worker.output,
      jobs.output,
      ...commands.map(({ stdout, stderr }) => ({ stdout, stderr })),
      ...(await everyRow(client)),
    ].map((one) => JSON.stringify(one));
    const leaks = told.flatMap((text) =>
      secrets
        .filter((secret) => text.includes(secret))
        // Enough to find the place: a few words around it.
        .map((secret) => text.slice(Math.max(0, text.indexOf(secret) - 200)).slice(0, 300)),
    );
    expect(leaks).toEqual([]);
    // The search would have found what is there.
    expect(server.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expect(server.requests.some(({ headers }) => headers["x-api-key"] === "s3cret0key")).toBe(true);
    expect(told.some((text) => text.includes("owner/llm-container"))).toBe(true);
  } finally {
    for (const one of [worker, jobs]) {
      one.signal("SIGKILL");
      await one.ended;
    }
    await folder.remove();
  }
});

/** Have the older system's change triaged; without a folder, from its repository. */
async function triage(client: Client, event: object, config: object = {}): Promise<string> {
  return await enqueue(client, {
    task_type: "consumer_triage",
    max_attempts: 1,
    payload: {
      source_repo: LLM_EVENT.source_repo,
      target_repo: "owner/consumer",
      change_event: { ...LLM_EVENT, ...event },
      relationship_config: { interface_files: ["utils/llm_client.py"], ...config },
    },
  });
}

/** Whether each effect that goes anywhere was tried, and how that ended is on record. */
async function triedAll(client: Client): Promise<boolean> {
  const effects = await readEffects(client);
  return effects.length > 0 && effects.every((effect) => effect["last_error"] !== null);
}

/** All that the database holds of the queue and of the jobs. */
async function everyRow(client: Client): Promise<unknown[]> {
  const tables = await query<{ name: string }>(
    client,
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('triaged', 'graphile_worker')`,
  );
  const rows = [];
  for (const { name } of tables) {
    rows.push(await query(client, `select * from ${name}`));
  }
  return rows;
}
