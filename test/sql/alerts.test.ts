// Goal: whoever is on duty is told of each occurrence once, and of none that is not wanted.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { tellHistory } from "../../src/database/outbox.ts";
import { test } from "../support/connections.ts";
import { deliver, effectsConfig, readEffects } from "../support/effects.ts";
import { startStub } from "../support/http-servers.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const ALL = {
  alerts: ["needs_decision", "failed", "queue_age", "worker"],
  updates: false,
  queueAgeMs: 600_000,
};

async function tell(client: Client, wanted = ALL): Promise<void> {
  await client.query("select triaged.fold_history()");
  while ((await tellHistory(inSchema(client), wanted)) === "more");
}

async function told(client: Client): Promise<unknown[]> {
  const effects = await readEffects(client);
  return effects.map(({ kind, payload }) => {
    const { alert, subject, detail }: Record<string, unknown> = Object(payload);
    return `${String(kind)} ${String(alert)} ${String(subject)}: ${String(detail)}`;
  });
}

async function end(
  client: Client,
  outcome: string,
  given: Record<string, unknown>,
): Promise<string> {
  const task = await startTask(client);
  await settle(client, [outcomeOf(task, outcome, given)]);
  return task.task_id;
}

test("a task that failed, and one that asks, are told once each", async ({ client }) => {
  await tell(client);
  const failed = await end(client, "fail", { error: "no such host", permanent: true });
  const asks = await end(client, "ask", { prompt: "ship it?" });
  await end(client, "finish", {});
  await tell(client);
  await tell(client);

  expect(await told(client)).toEqual([
    `alert failed task ${failed}: noop: no such host`,
    `alert needs_decision task ${asks}: noop: ship it?`,
  ]);
});

test("one that fails again after a retry is told again", async ({ client }) => {
  await tell(client);
  const failed = await end(client, "fail", { error: "no", permanent: true });
  await tell(client);
  await client.query("select triaged.retry_task($1)", [failed]);
  const worker = await startWorker(client);
  const tasks = await claimTasks(client, worker);
  await settle(
    client,
    tasks.map((task) => outcomeOf(task, "fail", { error: "no", permanent: true })),
  );
  await tell(client);

  expect(await told(client)).toHaveLength(2);
});

test("of many that fail at once twenty are told, and how many more", async ({ client }) => {
  await tell(client);
  await client.query("select triaged.enqueue_tasks($1)", [
    JSON.stringify(Array.from({ length: 50 }, () => ({ task_type: "noop" }))),
  ]);
  const tasks = await claimTasks(client, await startWorker(client), { max_tasks: 50 });
  await settle(
    client,
    tasks.map((task) => outcomeOf(task, "fail", { error: "no", permanent: true })),
  );
  await tell(client);

  const all = await told(client);
  expect(all).toHaveLength(21);
  expect(all.at(-1)).toBe("alert failed 30 more tasks: triaged list --status failed");
});

test("a queue that is late is told once, and again when it was not in between", async ({
  client,
}) => {
  const late = () =>
    client.query("update triaged.live_tasks set run_at = now() - interval '11 minutes'");
  await enqueue(client, { queue: "mail" });
  await tell(client);
  expect(await told(client)).toEqual([]);
  await late();
  await tell(client);
  await tell(client);
  expect(await told(client)).toEqual([
    expect.stringMatching(/^alert queue_age queue mail: the oldest due task waits for 66\d s$/),
  ]);

  await client.query("update triaged.live_tasks set run_at = now()");
  await tell(client);
  await late();
  await tell(client);

  expect(await told(client)).toHaveLength(2);
});

test("a queue that is paused is not late", async ({ client }) => {
  await enqueue(client, { queue: "mail" });
  await client.query("update triaged.live_tasks set run_at = now() - interval '1 hour'");
  await client.query("select triaged.pause_queue('mail')");

  await tell(client);

  expect(await told(client)).toEqual([]);
});

test("a worker that died is told once, one that stopped is not", async ({ client }) => {
  const dead = await startWorker(client, { name: "a" });
  const stopped = await startWorker(client, { name: "b" });
  await client.query("select triaged.end_worker($1)", [stopped]);
  await client.query(
    "update triaged.workers set heartbeat_at = now() - interval '1 hour' where worker_id = $1",
    [dead],
  );
  await query(client, "select * from triaged.rescue_tasks()");

  await tell(client);
  await tell(client);

  expect(await told(client)).toEqual(["alert worker worker a: lease ran out"]);
});

test("alerts that are not wanted are not written", async ({ client }) => {
  await tell(client, { ...ALL, alerts: ["failed"] });
  await end(client, "ask", { prompt: "ship it?" });
  await tell(client, { ...ALL, alerts: ["failed"] });

  expect(await told(client)).toEqual([]);
});

test.for([
  [
    "json",
    { alert: "failed", subject: expect.stringContaining("task "), detail: "noop: <!here> no" },
  ],
  ["slack", { text: expect.stringContaining("noop: &lt;!here&gt; no"), mrkdwn: false }],
  [
    "discord",
    { content: expect.stringContaining("failed: task"), allowed_mentions: { parse: [] } },
  ],
] as const)("an alert is posted as %s takes it", async ([format, body], { client }) => {
  await using receiver = await startStub(() => false);
  await tell(client);
  await end(client, "fail", { error: "<!here> no", permanent: true });
  await tell(client);
  const [effect] = await readEffects(client);
  const { alerts } = effectsConfig();

  const done = await deliver(client, String(effect?.["effect_id"]), {
    config: effectsConfig({
      allowPrivate: true,
      alerts: { ...alerts, url: `${receiver.url}/alert`, format },
    }),
  });

  expect(done).toMatchObject({ status: "delivered" });
  expect(receiver.received[0]?.headers["idempotency-key"]).toBe(effect?.["effect_key"]);
  expect(JSON.parse(receiver.received[0]?.text ?? "")).toMatchObject(body);
});
