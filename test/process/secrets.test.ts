// Goal: no secret of the worker's settings shows in a log, in the database or in an answer of
// a command, also where the other side fails, and tells what it was sent.
// Method: real processes with a secret in each setting that may hold one, talking to a server
// that refuses everything and repeats the credentials it got; then a search in all there is.

import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { LLM_CONSUMER, LLM_EVENT } from "../support/changes.ts";
import { test, waitFor } from "../support/connections.ts";
import { readEffects } from "../support/effects.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { type HttpServer, serve } from "../support/http-servers.ts";
import { writeTree } from "../support/packages.ts";
import { runCli, startCli } from "../support/processes.ts";
import { enqueue, query, waitForStatus } from "../support/tasks.ts";

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

/** A host that refuses everything, and tells what it was sent. */
async function serveEcho(): Promise<HttpServer> {
  return await serve(({ url = "", headers }, response) => {
    const sent = `${headers.authorization ?? ""} ${String(headers["x-api-key"] ?? "")}`;
    response.writeHead(url.includes("info/refs") ? 403 : 500, {
      "content-type": "text/plain",
      "x-echo": sent,
    });
    response.end(`you sent ${sent} to ${url}\n`);
  });
}

function environmentOf(databaseUrl: string, folder: string, server: HttpServer) {
  return {
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: "trace",
    REPO_CACHE_DIR: path.join(folder, "cache"),
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
}

const COMMANDS = [
  "work --print-config",
  "show 1",
  "show 1 --json",
  "show 2 --json",
  "show 3 --json",
  "history 1 --json",
  "why 1",
  "list --json",
  "effects list --json",
  "stats --json",
  "doctor --json",
];

test("a secret shows nowhere, though every remote fails and repeats it", async ({
  url,
  client,
}) => {
  const folder = await makeTemporaryFolder();
  await writeTree(path.join(folder.path, "consumer"), {}, LLM_CONSUMER);
  await using server = await serveEcho();
  // The test's own role may log in without one; what counts is that the URL holds it.
  const database = new URL(url);
  if (database.password === "") database.password = "s3cret0password";
  const env = environmentOf(database.href, folder.path, server);
  const worker = startCli(["work", "--tasks", TASKS], { env });
  const jobs = startCli(["jobs"], { env });
  try {
    const refused = await triage(client, { commit_sha: "0a1b2c3", changed_files: null });
    const judged = await triage(client, {}, { path: path.join(folder.path, "consumer") });
    // Nobody knows this consumer, so that a model is asked.
    const open = await triage(client, { commit_sha: "no sha of git" });
    expect([refused, judged, open]).toEqual(["1", "2", "3"]);
    await waitForStatus(client, refused, "failed");
    await waitForStatus(client, judged, "finished");
    await waitForStatus(client, open, "finished");
    await waitFor(async () => await triedAll(client), PATIENT);

    const answers = await Promise.all(COMMANDS.map((line) => runCli(line.split(" "), { env })));
    const told = [worker.output, jobs.output, ...answers, ...(await everyRow(client))];

    const secrets = [...SECRETS, decodeURIComponent(database.password)];
    expect(told.flatMap((one) => leaksIn(JSON.stringify(one), secrets))).toEqual([]);
    // Each was sent, and the search would have found what is there.
    const sent = server.requests.map(({ url: asked, headers }) => JSON.stringify([asked, headers]));
    const never = SECRETS.filter((secret) => !sent.some((text) => text.includes(secret)));
    expect(never).toEqual(["s3cret0password"]);
    expect(leaksIn(JSON.stringify(told), [LLM_EVENT.source_repo])).toHaveLength(1);
  } finally {
    for (const one of [worker, jobs]) {
      one.signal("SIGKILL");
      await one.ended;
    }
    await folder.remove();
  }
});

/** The secrets that a text holds, with enough around them to find the place. */
function leaksIn(text: string, secrets: readonly string[]): string[] {
  return secrets
    .filter((secret) => text.includes(secret))
    .map((secret) => text.slice(Math.max(0, text.indexOf(secret) - 200)).slice(0, 300));
}

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
