// Goal: what decides who is told of a verdict is right, or refused, whoever writes it.

import { expect } from "vitest";
import type { Queryable } from "../../src/database/database.ts";
import { digestScheduleProblem } from "../../src/triage/jobs/digest-job.ts";
import { test } from "../support/connections.ts";
import { addEffect, NOTICE, readEffects } from "../support/effects.ts";
import { call, query, queryOne, refusal } from "../support/tasks.ts";

async function save(db: Queryable, settings: unknown, name = "notifications"): Promise<string> {
  const { outcome } = await queryOne<{ outcome: string }>(
    db,
    "select triaged.save_relationship_settings($1, $2::jsonb) as outcome",
    [name, JSON.stringify(settings)],
  );
  return outcome;
}

test("settings take the place of those before, and unchanged writes nothing", async ({ db }) => {
  const low = { low: { action: "create_issue", labels: ["x"], notify_webhook: true, _why: "" } };

  expect(await save(db, { digest_schedule: "daily" })).toBe("created");
  expect(await save(db, { digest_schedule: "daily" })).toBe("unchanged");
  expect(await save(db, { default_urgency_thresholds: low, quiet: { at: null } })).toBe("changed");
  expect(await save(db, { version: "1" }, "file")).toBe("created");
  expect(
    await query(db, "select name, settings from triaged.relationship_settings order by 1"),
  ).toEqual([
    { name: "file", settings: { version: "1" } },
    { name: "notifications", settings: { default_urgency_thresholds: low, quiet: { at: null } } },
  ]);
});

test.for([
  [[], /^expected settings to be a JSON object, got array/],
  [null, /^expected settings to be a JSON object, got null/],
  [{ default_urgency_thresholds: [] }, /^expected default_urgency_thresholds to be an object/],
  [{ default_urgency_thresholds: { huge: {} } }, /^unknown urgency "huge"/],
  [{ default_urgency_thresholds: { high: [] } }, /^expected default_urgency_thresholds.high to be/],
  [
    { default_urgency_thresholds: { high: { action: "call" } } },
    /^unknown action "call" for urgen/,
  ],
  [{ default_urgency_thresholds: { high: { action: 1 } } }, /^unknown action 1 for urgency high/],
  [
    { default_urgency_thresholds: { low: { notify_webhook: "x" } } },
    /^expected notify_webhook for/,
  ],
  ...[["a,b"], [""], ["x".repeat(51)], Array(11).fill("x"), [1], "x", ["a\nb"]].map(
    (labels) =>
      [{ default_urgency_thresholds: { low: { labels } } }, /^expected labels for/] as const,
  ),
  [{ digest_schedule: "hourly" }, /^unknown digest_schedule "hourly"/],
  [{ x: "y".repeat(70_000) }, /^settings has \d+ bytes, more than the limit of 65536/],
] as const)("settings %j are refused", async ([settings, message], { db }) => {
  expect(await refusal(db, () => save(db, settings))).toMatchObject({
    message: expect.stringMatching(message),
  });
  expect(await query(db, "select from triaged.relationship_settings")).toEqual([]);
});

test("settings of another name are refused", async ({ db }) => {
  expect(await refusal(db, () => save(db, {}, "others"))).toMatchObject({ code: "22023" });
});

test.for([
  "daily",
  "weekly",
  "monthly",
  "0 8 * * 1",
  "*/5,7 1-3,9 * 1-12 0,7",
  " 0  8 * * 1 ",
  "",
  "0 8 * *",
  "0 8 * * 1 1",
  "60 8 * * 1",
  "0 24 * * 1",
  "0 8 0 * 1",
  "0 8 32 * 1",
  "0 8 * 13 1",
  "0 8 * * 8",
  "*/0 8 * * 1",
  "5-3 8 * * 1",
  "3-3 8 * * 1",
  "1-70 8 * * 1",
  "1-5/2 8 * * 1",
  ", 8 * * 1",
  "1, 8 * * 1",
  "0 8 * * mon",
  "@daily",
  "999999999999 8 * * 1",
])("the database takes %j as a schedule if the jobs do", async (schedule, { db }) => {
  const taken = save(db, { digest_schedule: schedule }).then(
    () => true,
    () => false,
  );

  expect(await taken).toBe(digestScheduleProblem(schedule) === null);
});

test("a digest has the labels of its lines, and the schedule it was made by", async ({ db }) => {
  await save(db, { digest_schedule: "daily" });
  for (const [key, labels] of [
    ["a", ["fyi", "team"]],
    ["b", ["fyi"]],
  ] as const) {
    await addEffect(db, { kind: "digest", key, payload: { ...NOTICE, labels } });
  }
  for (const [key, labels] of [
    ["c", []],
    ["d", "no list"],
  ] as const) {
    const payload = { ...NOTICE, target_repo: `acme/${key}`, labels };
    await addEffect(db, { kind: "digest", key, payload });
  }

  await call(db, "gather_digest");

  const made = (await readEffects(db)).slice(4).map((row) => row["payload"]);
  expect(made).toHaveLength(3);
  expect(made).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        target_repo: "acme/shop",
        labels: ["fyi", "team"],
        schedule: "daily",
      }),
      expect.objectContaining({ target_repo: "acme/c", labels: [] }),
      expect.not.objectContaining({ labels: expect.anything() }),
    ]),
  );
});

test("a null within a configuration is kept; a null of its own says nothing", async ({ db }) => {
  const config = { owner: { id: 1, since: null }, notes: [null], team: null };
  await call(db, "save_relationship", {
    source_repo: "o/a",
    target_repo: "o/b",
    relationship_type: "api_consumer",
    relationship_config: config,
  });
  await queryOne(db, "select triaged.save_repository('o/a', null, $1::jsonb)", [
    JSON.stringify({ owner: { since: null }, team: null }),
  ]);

  expect(
    await query(db, "select relationship_config as config from triaged.relationships"),
  ).toEqual([
    {
      config: {
        relationship_type: "api_consumer",
        owner: { id: 1, since: null },
        notes: [null],
      },
    },
  ]);
  expect(
    await query(db, "select metadata from triaged.repositories where repo_name = 'o/a'"),
  ).toEqual([{ metadata: { owner: { since: null } } }]);
});
