// Goal: whoever tries to come in is in the audit log, many tries as few rows; operators read the
// log over HTTP; a gateway tells at its start which keys and settings are others.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { newKey } from "../../src/gateway/keys.ts";
import { test, waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { keysOf, startGateway, startServe } from "../support/gateway.ts";
import { query } from "../support/tasks.ts";

const KEYS = keysOf(["read", "enqueue", "operate"]);

async function readSignIns(client: Parameters<typeof query>[0]) {
  return await query(
    client,
    `select severity, count, details from triaged.audit_logs
     where event_type in ('signin.failed', 'signin.succeeded') order by audit_id`,
  );
}

test("keys that nobody has are told of at once, and others of that minute at the end as one row", async ({
  url,
  client,
}) => {
  const gateway = await startGateway(url, { keys: KEYS });
  for (let at = 0; at < 5; at += 1) {
    await gateway.send("GET", "/api/tasks", { key: "guessed" });
  }
  const first = await waitFor(async () => (await readSignIns(client))[0]);
  expect(first).toMatchObject({
    severity: "warning",
    count: 1,
    details: { source: "127.0.0.1", door: "GET /api/tasks", reason: "unknown_key" },
  });
  await gateway[Symbol.asyncDispose]();

  const rows = await readSignIns(client);
  expect(rows.map(({ count }) => count)).toEqual([1, 4]);
  expect(JSON.stringify(rows)).not.toContain("guessed");
});

test("a request without a key and a body with a false signature are attempts", async ({
  url,
  client,
}) => {
  {
    await using gateway = await startGateway(url, {
      keys: KEYS,
      githubWebhookSecret: "x".repeat(40),
    });
    await gateway.send("GET", "/api/tasks");
    await gateway.send("POST", "/api/webhook/github", {
      json: {},
      headers: {
        "x-github-event": "push",
        "x-github-delivery": "1",
        "x-hub-signature-256": "sha256=0",
      },
    });
    // Of a known key with too few rights: it is in, and may not.
    await gateway.send("GET", "/api/audit", { key: "key-of-read" });
  }

  const reasons = (await readSignIns(client)).map(({ details }) => details);
  expect(reasons).toMatchObject([{ reason: "key_missing" }, { reason: "wrong_signature" }]);
});

test("operators read the log page by page, and others do not", async ({ url, client }) => {
  await using gateway = await startGateway(url, { keys: KEYS });
  for (const queue of ["a", "b", "c"])
    await client.query("select triaged.pause_queue($1)", [queue]);
  const get = (search: string, key = "key-of-operate") =>
    gateway.send("GET", `/api/audit?${search}`, { key });

  expect((await get("", "key-of-read")).status).toBe(403);
  const page = await get("event_type=queue.paused&limit=2");
  expect(page.body.audit_logs).toMatchObject([
    { event_type: "queue.paused", severity: "warning", details: { queue: "c" }, count: 1 },
    { details: { queue: "b" } },
  ]);
  const next = await get(`event_type=queue.paused&after=${page.body.audit_logs[1].audit_id}`);
  expect(next.body.audit_logs).toMatchObject([{ details: { queue: "a" } }]);
  expect((await get("severity=critical")).body.audit_logs).toEqual([]);
  expect((await get("severity=loud")).status).toBe(400);
});

test("a gateway that starts with other keys and settings tells which, and no secret", async ({
  url,
  client,
}) => {
  await using folder = await temporary();
  const file = path.join(folder.path, "keys.json");
  const [ann, bob] = [newKey("ann", "read"), newKey("bob", "admin")];
  const env = { DATABASE_URL: url, API_KEYS_FILE: file, ORCHESTRATOR_API_KEY: "k".repeat(40) };
  const starts = async () =>
    await query(
      client,
      "select event_type, actor, details from triaged.audit_logs where event_type ~ '^(key|setting|limit)' order by audit_id",
    );
  const startWith = async (rows: readonly unknown[], more = {}) => {
    await writeFile(file, JSON.stringify(rows));
    await using serve = await startServe({ ...env, ...more });
    await waitFor(async () => (await fetch(`${serve.address}/ready`)).ok);
    const known = "select from triaged.audit_known where known ? $1";
    const name = JSON.parse(JSON.stringify(rows.at(-1))).name;
    await waitFor(async () => (await query(client, known, [name])).length > 0);
  };

  await startWith([ann.row]);
  expect(await starts()).toEqual([]);
  await startWith([ann.row, bob.row], { LOG_LEVEL: "debug", GITHUB_TOKEN: "t".repeat(40) });

  const rows = await starts();
  expect(rows).toMatchObject([
    {
      event_type: "setting.changed",
      actor: "gateway",
      details: {
        changed: [
          { name: "GITHUB_TOKEN", value: "****" },
          { name: "LOG_LEVEL", value: "debug" },
        ],
      },
    },
    { event_type: "key.created", details: { name: "bob", role: "admin" } },
  ]);
  const { all } =
    (
      await query(
        client,
        "select (select string_agg(l::text, '') from triaged.audit_logs l) || (select string_agg(k::text, '') from triaged.audit_known k) as all",
      )
    )[0] ?? {};
  for (const secret of [bob.key, bob.row.sha256, "k".repeat(40), "t".repeat(40)]) {
    expect(all).not.toContain(secret);
  }
});

async function temporary() {
  const made = await makeTemporaryFolder();
  return { ...made, [Symbol.asyncDispose]: made.remove };
}
