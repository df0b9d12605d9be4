// `triaged doctor` on what is told to others: effects, alerts.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { tellHistory } from "../../src/database/outbox.ts";
import { effectsProbe, tellingProbe } from "../../src/doctor/effects.ts";
import { test } from "../support/connections.ts";
import { findingsOf } from "../support/doctor.ts";
import { enqueue } from "../support/tasks.ts";

const ALERT_URL = "https://alerts.test/hook";
const TOLD = { alerts: ["failed"], updates: false, queueAgeMs: 600_000 };

const EFFECT = `insert into triaged.effects
  (task_id, kind, effect_key, payload, status, attempts, due_at, last_error, created_at)
  values (1, $1, $2, '{}', $3, $4, now() + $5::interval, $6, now())`;

test("effects that fail, failed, wait or were skipped are warnings, and others are well", async ({
  url,
  client,
}) => {
  await client.query(EFFECT, ["push", "a", "pending", 0, "1 minute", null]);
  const before = await findingsOf(url, effectsProbe);
  await client.query(EFFECT, ["push", "b", "pending", 0, "-11 minutes", null]);
  await client.query(EFFECT, ["alert", "c", "failed", 20, "-1 minute", "answered 500"]);
  await client.query(EFFECT, ["alert", "d", "pending", 2, "1 minute", "answered 500"]);
  await client.query(EFFECT, ["webhook", "e", "skipped", 1, "-1 minute", "no WEBHOOK_URL"]);

  expect(before).toEqual([
    { level: "ok", subject: "effects", found: "delivered when due", advice: null },
  ]);
  expect(await findingsOf(url, effectsProbe)).toMatchObject([
    {
      level: "warning",
      found: "alert: 1 fails and will be tried again, 1 failed within a day: answered 500",
      advice: expect.stringContaining("triaged effects retry --kind alert --status failed"),
    },
    { found: "push: 1 due for over 10 min, and not delivered" },
    { found: "webhook: 1 skipped within a day: no WEBHOOK_URL" },
  ]);
});

test("an ALERT_URL that the jobs do not have is a warning", async ({ url, client }) => {
  const environment = { ALERT_URL };

  expect(await findingsOf(url, tellingProbe)).toMatchObject([
    { level: "ok", found: "nobody wants to be told" },
  ]);
  expect(await findingsOf(url, tellingProbe, { environment })).toMatchObject([
    { level: "warning", subject: "alerts", found: expect.stringContaining("do not tell") },
  ]);

  await tellHistory(inSchema(client), TOLD);
  expect(await findingsOf(url, tellingProbe, { environment })).toMatchObject([
    { level: "ok", found: "told when due" },
  ]);
});

test("history that nobody was told of for long is a warning, and new history is none", async ({
  url,
  client,
}) => {
  await tellHistory(inSchema(client), TOLD);
  await enqueue(client);
  const soon = await findingsOf(url, tellingProbe);
  await client.query(`insert into triaged.task_history
    (task_id, task_type, at, event, status, attempt_count, actor)
    values (1, 'noop', now() - interval '11 minutes', 'enqueue', 'queued', 0, 'test')`);

  expect(soon).toMatchObject([{ level: "ok" }]);
  expect(await findingsOf(url, tellingProbe)).toMatchObject([
    { level: "warning", found: "nobody was told of what happened more than 10 min ago" },
  ]);

  await client.query("select triaged.fold_history()");
  await tellHistory(inSchema(client), TOLD);
  expect(await findingsOf(url, tellingProbe)).toMatchObject([{ level: "ok" }]);
});
