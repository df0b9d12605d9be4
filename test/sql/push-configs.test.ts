// Goal: each transition of a task is pushed to whoever asked for it, once, signed by secrets that
// nobody can read, and to no address out of bounds.

import { createHmac, hash } from "node:crypto";
import { jwtVerify } from "jose";
import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import {
  deletePushConfig,
  listPushConfigs,
  setPushConfig,
  tellHistory,
} from "../../src/database/outbox.ts";
import { test } from "../support/connections.ts";
import { deliver, effectsConfig, readEffects } from "../support/effects.ts";
import { startStub } from "../support/http-servers.ts";
import { enqueue, outcomeOf, query, queryOne, settle, startTask } from "../support/tasks.ts";

const NOTHING = { alerts: [], updates: false, queueAgeMs: 600_000 };
const SECRETS = {
  token: "t0ken",
  hmacSecret: "hm4c",
  jwtSecret: "jw7-secret-of-32-characters-or-so",
};

/** What the job does until there is nothing more to tell. */
async function tell(client: Client, wanted = NOTHING): Promise<string> {
  await client.query("select triaged.fold_history()");
  for (;;) {
    const told = await tellHistory(inSchema(client), wanted);
    if (told !== "more") return told;
  }
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (err: unknown) => err,
  );
const updateOf = (text: string) => JSON.parse(text).streamResponse.statusUpdate;

test("each transition after it was set is pushed once, signed in each way", async ({ client }) => {
  await using receiver = await startStub(() => false);
  const db = inSchema(client);
  const task = await startTask(client);
  const id = await setPushConfig(db, task.task_id, {
    url: `${receiver.url}/push?a=1`,
    ...SECRETS,
    jwtIssuer: "triaged",
    jwtAudience: "me",
    jwtKid: "k1",
  });
  await settle(client, [outcomeOf(task, "finish")]);
  await tell(client);
  await tell(client);

  const effects = await readEffects(client);
  for (const { effect_id } of effects) {
    await deliver(client, String(effect_id), { config: effectsConfig({ allowPrivate: true }) });
  }

  expect(effects).toHaveLength(1);
  const [received] = receiver.received;
  const { headers, text = "" } = received ?? {};
  expect(received).toMatchObject({ method: "POST", path: "/push?a=1" });
  expect(updateOf(text)).toMatchObject({
    taskId: task.task_id,
    status: "finished",
    final: true,
    event: "finish",
    historyId: "3",
  });
  expect(headers?.["x-a2a-token"]).toBe(SECRETS.token);
  expect(headers?.["x-a2a-signature"]).toBe(
    createHmac("sha256", SECRETS.hmacSecret)
      .update(`${String(headers?.["x-a2a-timestamp"])}.${text}`)
      .digest("hex"),
  );
  const { payload, protectedHeader } = await jwtVerify(
    (headers?.authorization ?? "").replace("Bearer ", ""),
    new TextEncoder().encode(SECRETS.jwtSecret),
    { issuer: "triaged", audience: "me", algorithms: ["HS256"] },
  );
  expect(payload).toMatchObject({ taskId: task.task_id, hash: hash("sha256", text) });
  expect(protectedHeader.kid).toBe("k1");
  expect(JSON.stringify(effects)).toContain(id);
  for (const secret of Object.values(SECRETS))
    expect(JSON.stringify(effects)).not.toContain(secret);
});

test("metadata.webhook has each transition pushed, the enqueue too, in each way to enqueue", async ({
  client,
}) => {
  const metadata = JSON.stringify({ webhook: "https://a.example/x" });
  const one = await enqueue(client, { metadata });
  const many = await query<{ task_id: string }>(
    client,
    "select task_id from triaged.enqueue_tasks($1)",
    [
      JSON.stringify([
        { task_type: "noop", metadata: JSON.parse(metadata) },
        { task_type: "noop", metadata: JSON.parse(metadata), dedupe_key: "k" },
        { task_type: "noop" },
      ]),
    ],
  );
  await client.query("select triaged.cancel_task($1)", [one]);
  await tell(client);

  const pushed = (await readEffects(client)).map(({ payload, kind, task_id }) => ({
    kind,
    task_id,
    event: updateOf(JSON.stringify(Reflect.get(Object(payload), "body"))).event,
  }));

  expect(pushed).toHaveLength(4);
  expect(new Set(pushed.map(({ kind }) => kind))).toEqual(new Set(["push"]));
  expect(pushed.filter(({ task_id }) => task_id === one).map(({ event }) => event)).toEqual([
    "enqueue",
    "cancel",
  ]);
  expect(pushed.map(({ task_id }) => task_id)).not.toContain(many[2]?.task_id);
});

test("a replaced payload brings its own webhook", async ({ client }) => {
  const replace = (metadata: object) =>
    client.query(
      `select triaged.enqueue_task('noop', dedupe_key => 'k', dedupe_mode => 'replace',
         metadata => $1)`,
      [JSON.stringify(metadata)],
    );
  const urls = async () =>
    (await query<{ url: string }>(client, "select url from triaged.push_configs")).map(
      ({ url }) => url,
    );
  await replace({ webhook: "https://a.example/x" });
  await replace({ webhook: "https://b.example/x" });
  expect(await urls()).toEqual(["https://b.example/x"]);

  await replace({});

  expect(await urls()).toEqual([]);
});

test("configs are listed without secrets, set anew by their id, and deleted", async ({
  client,
}) => {
  const db = inSchema(client);
  const [task, other] = [await enqueue(client), await enqueue(client)];
  const id = await setPushConfig(db, task, { url: "https://a.example/x", ...SECRETS });

  const listed = await listPushConfigs(db, task);
  await setPushConfig(db, task, { url: "https://b.example/y", id });
  const again = await listPushConfigs(db, task);

  expect(listed).toMatchObject([
    {
      id,
      url: "https://a.example/x",
      has_token: true,
      has_hmac_secret: true,
      has_jwt_secret: true,
    },
  ]);
  for (const secret of Object.values(SECRETS)) expect(JSON.stringify(listed)).not.toContain(secret);
  expect(again).toMatchObject([{ id, url: "https://b.example/y", has_token: false }]);
  expect(await errorOf(setPushConfig(db, other, { url: "https://b.example", id }))).toMatchObject({
    code: "22023",
  });
  expect(await deletePushConfig(db, other, id)).toBe(false);
  expect(await deletePushConfig(db, task, id)).toBe(true);
  expect(await deletePushConfig(db, task, id)).toBe(false);
  expect(await listPushConfigs(db, task)).toEqual([]);
});

test("no role but the owner reads the secrets", async ({ client }) => {
  const task = await enqueue(client);
  await setPushConfig(inSchema(client), task, { url: "https://a.example/x", ...SECRETS });

  for (const role of ["triaged_api", "triaged_readonly"]) {
    await client.query("begin");
    await client.query(`set local role ${role}`);
    const refused = await errorOf(client.query("select * from triaged.push_configs"));
    await client.query("rollback");
    expect(refused).toMatchObject({ code: "42501" });
  }
});

test.for([
  ["another scheme", "ftp://a.example"],
  ["a file", "file:///etc/passwd"],
  ["no scheme", "//a.example"],
  ["no host", "https://"],
  ["a user", "https://user:pass@a.example/"],
  ["a blank", "https://a.example/x y"],
  ["code", "javascript:alert(1)"],
  ["nothing", ""],
  ["a long one", `https://a.example/${"x".repeat(2_000)}`],
] as const)("an address that no push can go to is refused: %s", async ([, url], { client }) => {
  const db = inSchema(client);
  const task = await enqueue(client);

  const set = await errorOf(setPushConfig(db, task, { url }));
  const enqueued = await errorOf(enqueue(client, { metadata: JSON.stringify({ webhook: url }) }));

  expect([set, enqueued]).toMatchObject([{ code: "22023" }, { code: "22023" }]);
});

test("a task has ten configs at most, and each config has a task", async ({ client }) => {
  const db = inSchema(client);
  const task = await enqueue(client);
  for (let n = 0; n < 10; n += 1) await setPushConfig(db, task, { url: "https://a.example" });

  const beyond = await errorOf(setPushConfig(db, task, { url: "https://a.example" }));
  const unknown = await errorOf(setPushConfig(db, "4711", { url: "https://a.example" }));

  expect(beyond).toMatchObject({ code: "TR003" });
  expect(unknown).toMatchObject({ code: "TR001" });
});

test("a push to a private address is refused when it is used", async ({ client }) => {
  await using receiver = await startStub(() => false);
  const db = inSchema(client);
  const task = await enqueue(client);
  await setPushConfig(db, task, { url: receiver.url });
  await client.query("select triaged.cancel_task($1)", [task]);
  await tell(client);
  const { effect_id } = await queryOne<{ effect_id: string }>(
    client,
    "select effect_id from triaged.effects",
  );

  const effect = await deliver(client, effect_id, { config: effectsConfig() });

  expect(effect).toMatchObject({ status: "failed" });
  expect(effect["last_error"]).toContain("is a private address");
  expect(receiver.received).toEqual([]);
});

test("without anybody who wants to be told, nothing is written", async ({ client }) => {
  await enqueue(client);

  expect(await tell(client)).toBe("off");

  expect(await query(client, "select from triaged.told_history")).toEqual([]);
});

test("a transition while nobody wanted to be told is not told later", async ({ client }) => {
  const old = await enqueue(client);
  const db = inSchema(client);
  await tell(client);
  const id = await setPushConfig(db, old, { url: "https://a.example" });
  await tell(client);
  await deletePushConfig(db, old, id);
  expect(await tell(client)).toBe("off");
  await client.query("select triaged.cancel_task($1)", [old]);
  await tell(client);
  await setPushConfig(db, old, { url: "https://a.example" });
  await tell(client);

  expect(await readEffects(client)).toEqual([]);
});

test("configs of tasks that are gone are deleted", async ({ client }) => {
  const task = await enqueue(client);
  await setPushConfig(inSchema(client), task, { url: "https://a.example" });
  await client.query(
    `insert into triaged.push_configs (task_id, url, created_at)
     values (4711, 'https://a.example', now() - interval '2 days')`,
  );

  expect(await queryOne(client, "select triaged.expire_push_configs() as n")).toEqual({ n: 1 });
});

test("task_updates is notified of each task that changed, once", async ({ client, connect }) => {
  const listener = await connect();
  const heard: { task_id: string; event: string }[] = [];
  listener.on("notification", ({ channel, payload = "" }) => {
    if (channel === "task_updates") heard.push(JSON.parse(payload));
  });
  await listener.query("listen task_updates");
  await tell(client, { ...NOTHING, updates: true });
  const task = await startTask(client);
  await settle(client, [outcomeOf(task, "finish")]);
  await listener.query("select");
  expect(heard).toEqual([]);

  await tell(client, { ...NOTHING, updates: true });

  await listener.query("select");
  expect(heard).toEqual([{ task_id: task.task_id, event: "update" }]);
});
