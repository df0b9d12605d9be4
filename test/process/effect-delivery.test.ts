// Goal: an effect reaches its receiver once, in its own form, and how that ended is on record.
// Method: deliver rows of a real outbox to a real server on loopback.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, vi } from "vitest";
import { test as base } from "../support/connections.ts";
import {
  addEffect,
  deliver,
  effectsConfig,
  makeDue,
  NOTICE,
  readEffect,
  toGithub,
  toWebhook,
} from "../support/effects.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { answerFirst, answerJson, startStub } from "../support/http-servers.ts";
import { EFFECTS } from "../support/jobs.ts";
import { query, queryOne } from "../support/tasks.ts";

const test = base.extend<{ folder: string }>({
  folder: lendFolder,
});

const LOOK = "GET /repos/acme/shop/issues";
const CREATE = "POST /repos/acme/shop/issues";

test("an issue is looked up, made, and remembered", async ({ client }) => {
  await using stub = await startStub();
  const id = await addEffect(client);

  const effect = await deliver(client, id, { config: toGithub(stub.url) });

  expect(effect).toMatchObject({
    status: "delivered",
    attempts: 1,
    external_ref: `${stub.url}/issues/1`,
    last_error: null,
    delivered_at: expect.any(Date),
  });
  expect(stub.calls()).toEqual([LOOK, CREATE]);
  expect(stub.received[0]?.path).toContain("state=open&labels=dependency");
  expect(stub.received[1]?.headers).toMatchObject({ authorization: "Bearer gh-s3cret" });
  expect(stub.issues).toMatchObject([
    {
      title: "⚠️ Dependency Update Required: acme/payments",
      body: expect.stringContaining("<!-- triage-key: key -->"),
      labels: ["dependency", "important"],
    },
  ]);
});

test("an effect of a kind that no application delivers fails for good", async ({ client }) => {
  const id = await addEffect(client);

  expect(await deliver(client, id, { config: effectsConfig(), deliveries: {} })).toMatchObject({
    status: "failed",
    attempts: 1,
    last_error: "effects of kind github_issue are not delivered here",
  });
});

test("an issue that an earlier attempt made is found, and nothing is written there", async ({
  client,
}) => {
  await using stub = await startStub((received, _response, self) => {
    if (received.method !== "POST" || self.issues.length > 0) {
      return false;
    }
    self.createIssue(received);
    // The answer never comes.
    _response.destroy();
    return true;
  });
  const id = await addEffect(client);

  const effect = await deliver(client, id, { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "delivered", external_ref: `${stub.url}/issues/1` });
  expect(stub.calls()).toEqual([LOOK, CREATE, LOOK]);
  expect(stub.issues).toHaveLength(1);
});

test("the longer a host is out of order, the longer an effect waits, whatever it asks for", async ({
  client,
}) => {
  await using stub = await startStub((_received, response) => {
    response.writeHead(503, { "retry-after": "1" }).end();
    return true;
  });
  const id = await addEffect(client);
  await client.query("update triaged.effects set attempts = 18");
  using _late = vi.spyOn(Math, "random").mockReturnValue(0.99);

  const effect = await deliver(client, id, { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "pending", attempts: 19 });
  const [row] = await query(
    client,
    "select due_at > triaged.now() + interval '30 minutes' as is_late from triaged.effects",
  );
  expect(row).toEqual({ is_late: true });
});

test("an issue that somebody else made gets a comment", async ({ client }) => {
  await using stub = await startStub();
  await deliver(client, await addEffect(client), { config: toGithub(stub.url) });
  await client.query("delete from triaged.effects");

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "delivered", external_ref: `${stub.url}/issues/1` });
  expect(stub.issues).toHaveLength(1);
  expect(stub.comments).toHaveLength(1);
});

test("an issue is found behind a hundred others", async ({ client }) => {
  const page = Array.from({ length: 100 }, (_, at) => ({ number: at, html_url: "x", body: null }));
  await using stub = await startStub(({ path: asked }, response) => {
    if (!asked.includes("&page=1")) {
      return false;
    }
    answerJson(response, 200, page);
    return true;
  });
  stub.createIssue({
    method: "",
    path: "",
    headers: {},
    text: '{"body":"<!-- triage-key: key -->"}',
  });

  const effect = await deliver(client, await addEffect(client), { config: toGithub(stub.url) });

  expect(effect).toMatchObject({ status: "delivered", external_ref: `${stub.url}/issues/1` });
  expect(stub.issues).toHaveLength(1);
});

test.for([
  { ...NOTICE, target_repo: "../admin" },
  { ...NOTICE, target_repo: "acme/.." },
  { ...NOTICE, target_repo: "acme/shop/../../user" },
  {},
])("a payload that does not fit is final: %j", async (payload, { client }) => {
  await using stub = await startStub();

  const effect = await deliver(client, await addEffect(client, { payload }), {
    config: toGithub(stub.url),
  });

  expect(effect).toMatchObject({ status: "failed" });
  expect(effect["last_error"]).toContain("the payload of the effect does not fit");
  expect(stub.received).toEqual([]);
});

test("a webhook gets the message, and no error tells its address", async ({ client }) => {
  await using stub = await startStub(answerFirst(1, 404));
  const config = toWebhook(`${stub.url}/services/T0/s3cret`, "slack");
  const id = await addEffect(client, { kind: "webhook" });

  const refused = await deliver(client, id, { config });
  await client.query("select triaged.retry_effect($1)", [id]);
  const effect = await deliver(client, id, { config });

  expect(refused).toMatchObject({
    status: "failed",
    last_error: `${new URL(stub.url).host} answered 404`,
  });
  expect(effect).toMatchObject({ status: "delivered" });
  expect(stub.received[1]).toMatchObject({
    path: "/services/T0/s3cret",
    headers: { "idempotency-key": "key" },
    text: expect.stringContaining("Action Required: acme/shop"),
  });
  expect(JSON.stringify(await query(client, "select * from triaged.effects"))).not.toContain(
    "s3cret",
  );
});

test("a push is signed, and its config stays where it is", async ({ client }) => {
  await using stub = await startStub();
  const { id: configId } = await queryOne<{ id: string }>(
    client,
    `insert into triaged.push_configs (task_id, url, token, hmac_secret)
     values (1, $1, 'tok', 'hmac-s3cret') returning id`,
    [`${stub.url}/push`],
  );
  const payload = { config_id: configId, body: { streamResponse: { task: { id: "1" } } } };
  const id = await addEffect(client, { kind: "push", payload });

  const effect = await deliver(client, id, { config: effectsConfig({ allowPrivate: true }) });

  expect(effect).toMatchObject({ status: "delivered" });
  expect(stub.received).toMatchObject([
    {
      text: '{"streamResponse":{"task":{"id":"1"}}}',
      headers: { "x-a2a-token": "tok", "x-a2a-signature": expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  ]);
  expect(JSON.stringify(effect)).not.toContain("s3cret");
});

test.for([
  ["github_issue", NOTICE, "GITHUB_TOKEN is not set"],
  ["webhook", NOTICE, "WEBHOOK_URL is not set"],
  ["context_sink", NOTICE, "DEV_NEXUS_URL is not set"],
  [
    "push",
    { config_id: "3b241101-e2bb-4255-8caf-4136c566a962", body: {} },
    "its push config was deleted",
  ],
] as const)(
  "%s without what it needs is skipped, and says so",
  async ([kind, payload, reason], { client }) => {
    const id = await addEffect(client, { kind, payload });

    const effect = await deliver(client, id, { config: EFFECTS });

    expect(effect).toMatchObject({ status: "skipped", last_error: reason });
  },
);

test.for([
  ["api_consumer", "consumer_triage"],
  ["template_fork", "template_triage"],
] as const)(
  "a lesson of %s goes to the knowledge base as %s",
  async ([type, category], { client }) => {
    await using stub = await startStub();
    const payload = { ...NOTICE, relationship_type: type };
    const id = await addEffect(client, { kind: "context_sink", payload });

    await deliver(client, id, { config: effectsConfig({ contextUrl: stub.url }) });

    expect(stub.received.map(({ path: asked, text }) => [asked, JSON.parse(text)])).toEqual([
      [
        "/api/kb/lessons-learned",
        {
          repo: "acme/shop",
          lesson: "POST /charge was removed",
          source_commit: NOTICE.commit_sha,
          confidence: 0.9,
          category,
        },
      ],
    ]);
  },
);

test("dry_run sends nothing and says what it would", async ({ client }) => {
  await using stub = await startStub();
  const config = effectsConfig({ ...toGithub(stub.url), mode: "dry_run" });

  const effect = await deliver(client, await addEffect(client), { config });

  expect(effect).toMatchObject({
    status: "skipped",
    last_error: `EFFECTS_MODE is dry_run; it would go to ${stub.url}/repos/acme/shop/issues`,
  });
  expect(stub.received).toEqual([]);
});

test("mode file writes the issue down, the same file at a second try", async ({
  client,
  folder,
}) => {
  const config = effectsConfig({ mode: "file", folder: path.join(folder, "out") });
  const id = await addEffect(client);

  const effect = await deliver(client, id, { config });
  await client.query("update triaged.effects set status = 'pending', delivered_at = null");
  await makeDue(client);
  await deliver(client, id, { config });

  const file = path.join(folder, "out", `${id}-github_issue.md`);
  expect(effect).toMatchObject({ status: "delivered", external_ref: file });
  expect(readFileSync(file, "utf8")).toContain("# ⚠️ Dependency Update Required: acme/payments");
  expect(readdirSync(path.join(folder, "out"))).toEqual([
    `${id}-github_issue.json`,
    `${id}-github_issue.md`,
  ]);
});

test("an effect that somebody else delivers is left to them", async ({ client }) => {
  await using stub = await startStub();
  const id = await addEffect(client);
  await client.query("select triaged.claim_effect($1, 60000)", [id]);

  await deliver(client, id, { config: toGithub(stub.url) });

  expect(stub.received).toEqual([]);
  expect(await readEffect(client, id)).toMatchObject({ status: "pending", attempts: 1 });
});

test.for([
  [["dependency", "x"], "&labels=dependency&"],
  [["ours: now", "x"], "&labels=ours%3A%20now&"],
  [[], "state=open&per_page"],
] as const)(
  "an issue with the labels %j is looked for by %s",
  async ([labels, asked], { client }) => {
    await using stub = await startStub();
    const id = await addEffect(client, { payload: { ...NOTICE, labels } });
    const github = { token: "t", apiUrl: stub.url };

    await deliver(client, id, { config: effectsConfig({ github }) });

    expect(stub.received[0]?.path).toContain(asked);
    expect(stub.issues).toMatchObject([{ labels }]);
  },
);

test.for([
  [{}, "Weekly dependency digest", ["dependency", "info"]],
  [{ schedule: "daily", labels: ["fyi"] }, "Daily dependency digest", ["fyi"]],
  [{ schedule: "monthly", labels: [] }, "Monthly dependency digest", []],
  [{ schedule: "0 8 * * 3" }, "📦 Dependency digest", ["dependency", "info"]],
] as const)("a digest of %j is %s", async ([given, title, labels], { client }) => {
  await using stub = await startStub();
  const payload = { target_repo: "acme/shop", entries: [], ...given };
  const id = await addEffect(client, { payload });
  const github = { token: "t", apiUrl: stub.url };

  await deliver(client, id, { config: effectsConfig({ github }) });

  expect(stub.issues).toMatchObject([{ title: expect.stringContaining(title), labels }]);
});
