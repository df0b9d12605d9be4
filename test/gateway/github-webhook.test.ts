// Goal: GitHub's webhooks are believed by their signature alone, and told as `triaged notify` tells.

import { createHmac } from "node:crypto";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { keysOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { query } from "../support/tasks.ts";

const SECRET = "a secret of the webhook".replaceAll(" ", "-");
const DOOR = "/api/webhook/github";
const SHA = "9f1c3a0d5e6b7f8091a2b3c4d5e6f708192a3b4c";
const ZEROS = "0".repeat(40);

const PUSH = {
  ref: "refs/heads/main",
  before: "1111111111111111111111111111111111111111",
  after: SHA,
  deleted: false,
  head_commit: { id: SHA, message: "feat!: drop ✂ v1", timestamp: "2026-11-29T12:00:00Z" },
  commits: [
    { id: "a", added: ["new.ts", "gone.ts"], removed: ["old.ts"], modified: ["api.ts"] },
    { id: "b", added: [], removed: ["gone.ts"], modified: ["new.ts"] },
  ],
  repository: { id: 7, full_name: "acme/api", default_branch: "main" },
  pusher: { name: "somebody" },
};

function signed(body: string, secret = SECRET): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

let deliveries = 0;
function deliver(
  gateway: TestGateway,
  event: string,
  payload: unknown,
  headers: Record<string, string> = {},
) {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  deliveries += 1;
  return gateway.send("POST", DOOR, {
    body,
    headers: {
      "content-type": "application/json",
      "x-github-event": event,
      "x-github-delivery": `delivery-${deliveries}`,
      "x-hub-signature-256": signed(body),
      ...headers,
    },
  });
}

test("a push becomes the event of its last commit, once however often it is delivered", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, {
    githubWebhookSecret: SECRET,
    keys: keysOf(["admin"]),
  });
  const delivery = { "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" };

  const first = await deliver(gateway, "push", PUSH, delivery);
  const again = await deliver(gateway, "push", PUSH, delivery);

  expect(first).toMatchObject({
    status: 202,
    body: { status: "accepted", source_repo: "acme/api", outcome: "created" },
  });
  expect(again).toMatchObject({
    status: 202,
    body: { task_id: first.body.task_id, outcome: "duplicate" },
  });
  const tasks = await query(
    client,
    `select task_type, payload, dedupe_key, actor
     from triaged.tasks join triaged.task_history using (task_id, task_type)`,
  );
  expect(tasks).toEqual([
    {
      task_type: "change_notification",
      dedupe_key: expect.stringContaining(delivery["x-github-delivery"]),
      actor: "github",
      payload: {
        source_repo: "acme/api",
        change_event: {
          source_repo: "acme/api",
          commit_sha: SHA,
          commit_message: "feat!: drop ✂ v1",
          branch: "main",
          base_sha: PUSH.before,
          timestamp: "2026-11-29T12:00:00Z",
          changed_files: [
            { path: "new.ts", change_type: "added" },
            { path: "api.ts", change_type: "modified" },
            { path: "old.ts", change_type: "deleted" },
          ],
        },
      },
    },
  ]);
});

test("a release that is published becomes an event, by its commit or its tag", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { githubWebhookSecret: SECRET });
  const { repository } = PUSH;
  const release = { tag_name: "v2.0.0", name: "Two", body: "Breaks v1.", draft: false };

  await deliver(gateway, "release", {
    action: "published",
    repository,
    release: { ...release, target_commitish: SHA },
  });
  await deliver(gateway, "release", {
    action: "published",
    repository,
    release: { ...release, target_commitish: "next" },
  });

  const rows = await query(
    client,
    "select payload -> 'change_event' as event from triaged.tasks order by task_id",
  );
  expect(rows.map(({ event }) => event)).toMatchObject([
    { commit_sha: SHA, branch: "main", commit_message: "Two\n\nBreaks v1.", tag: "v2.0.0" },
    { commit_sha: "v2.0.0", branch: "next" },
  ]);
});

test("a ping is answered, and what concerns no dependent is told to be ignored", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { githubWebhookSecret: SECRET });
  const { repository } = PUSH;

  expect(await deliver(gateway, "ping", { zen: "Design for failure." })).toMatchObject({
    status: 200,
    body: { status: "pong" },
  });
  for (const [event, payload] of [
    ["push", { ...PUSH, ref: "refs/heads/feature" }],
    ["push", { ...PUSH, ref: "refs/tags/v1" }],
    ["push", { ...PUSH, after: ZEROS, deleted: true, head_commit: null }],
    ["release", { action: "edited", repository, release: { tag_name: "v1" } }],
    ["issues", { action: "opened" }],
  ] as const) {
    expect(await deliver(gateway, event, payload)).toMatchObject({
      status: 200,
      body: { status: "ignored", message: expect.stringMatching(/\.$/), task_id: null },
    });
  }
  expect(await query(client, "select from triaged.tasks")).toEqual([]);
});

test("a body that GitHub has not signed is refused before it is read", async ({ url, client }) => {
  await using gateway = await startGateway(url, { githubWebhookSecret: SECRET });
  const body = JSON.stringify(PUSH);
  const errorOf = async (payload: string, headers: Record<string, string>) =>
    (await deliver(gateway, "push", payload, headers)).body.error;

  expect(await errorOf(body, { "x-hub-signature-256": signed(body, "another-secret") })).toBe(
    "wrong_signature",
  );
  // One byte, which means nothing to JSON.
  expect(await errorOf(`${body} `, { "x-hub-signature-256": signed(body) })).toBe(
    "wrong_signature",
  );
  expect(await errorOf("not JSON", { "x-hub-signature-256": "sha256=00" })).toBe("wrong_signature");
  expect(await errorOf("", { "x-hub-signature-256": "sha256=00" })).toBe("wrong_signature");
  expect(await errorOf(body, { "x-hub-signature-256": signed(body).toUpperCase() })).toBe(
    "wrong_signature",
  );
  expect(await errorOf("not JSON", { "x-hub-signature-256": signed("not JSON") })).toBe("not_json");
  const bare = await fetch(`${gateway.url}${DOOR}`, { method: "POST" });
  expect([bare.status, (await bare.json()).error]).toEqual([403, "wrong_signature"]);
  expect(await query(client, "select from triaged.tasks")).toEqual([]);
});

test("without a secret, no webhook is believed", async ({ database }) => {
  await using gateway = await startGateway(database.url);

  expect(await deliver(gateway, "ping", {})).toMatchObject({
    status: 403,
    body: { error: "no_secret", message: expect.stringContaining("GITHUB_WEBHOOK_SECRET") },
  });
});

test("a body that is no push is answered with what is wrong in it", async ({ database }) => {
  await using gateway = await startGateway(database.url, { githubWebhookSecret: SECRET });

  expect(await deliver(gateway, "push", { ref: 7 })).toMatchObject({
    status: 422,
    body: { error: "invalid_request", message: expect.stringContaining("body.ref") },
  });
  expect(await deliver(gateway, "push", [PUSH])).toMatchObject({ status: 422 });
});
