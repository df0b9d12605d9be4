import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call, enqueue, query, refusal } from "../support/tasks.ts";

const BAD = [
  { given: { task_type: null }, message: "expected task_type to have 1 to 200 characters" },
  { given: { task_type: "" }, message: "expected task_type to have 1 to 200 characters, got 0" },
  { given: { task_type: "x".repeat(201) }, message: "expected task_type to have 1 to 200" },
  { given: { queue: null }, message: "expected queue to have 1 to 200 characters, got null" },
  { given: { queue: "" }, message: "expected queue to have 1 to 200 characters, got 0" },
  { given: { payload: null }, message: "expected payload to be a JSON object, got null" },
  { given: { payload: "[1]" }, message: "expected payload to be a JSON object, got array" },
  { given: { payload: "7" }, message: "expected payload to be a JSON object, got number" },
  { given: { metadata: "[]" }, message: "expected metadata to be a JSON object, got array" },
  { given: { priority: "urgent" }, message: "expected priority to be 0 to 3 or critical" },
  { given: { priority: 4 }, message: "expected priority to be 0 to 3 or critical" },
  { given: { priority: -1 }, message: "expected priority to be 0 to 3 or critical" },
  { given: { run_at: "infinity" }, message: "expected run_at to be a point in time" },
  { given: { run_at: "10000-01-01" }, message: "expected run_at to be a point in time" },
  { given: { run_at: "0001-01-01 BC" }, message: "expected run_at to be a point in time" },
  { given: { max_attempts: 0 }, message: "expected max_attempts to be 1 to 100, got 0" },
  { given: { max_attempts: 101 }, message: "expected max_attempts to be 1 to 100, got 101" },
  { given: { dedupe_key: "" }, message: "expected dedupe_key to have 1 to 512 characters, got 0" },
  { given: { dedupe_key: "k".repeat(513) }, message: "expected dedupe_key to have 1 to 512" },
  {
    given: { dedupe_key: "k", dedupe_mode: "merge" },
    message: "expected dedupe_mode to be keep or replace, got merge",
  },
  {
    given: { dedupe_key: "k", dedupe_mode: null },
    message: "expected dedupe_mode to be keep or replace, got null",
  },
];

test.for(BAD)("$given is refused", async ({ given, message }, { db }) => {
  const refused = await refusal(db, () => enqueue(db, given));

  expect(refused).toMatchObject({ code: "22023", message: expect.stringContaining(message) });
  expect(await query(db, "select from triaged.tasks")).toEqual([]);
});

// In a batch a key that is null is a key that is not given.
test.for(BAD.filter(({ given }) => !Object.values(given).includes(null)))(
  "$given is refused in a batch",
  async ({ given, message }, { db }) => {
    const json = Object.entries(given).map(([key, value]) =>
      key === "payload" || key === "metadata" ? [key, JSON.parse(String(value))] : [key, value],
    );
    const task = { task_type: "noop", ...Object.fromEntries(json) };

    const refused = await refusal(db, () =>
      call(db, "enqueue_tasks", { tasks: JSON.stringify([{ task_type: "noop" }, task]) }),
    );

    expect(refused).toMatchObject({ code: "22023", message: expect.stringContaining(message) });
    expect(await query(db, "select from triaged.tasks")).toEqual([]);
  },
);

test("a wrapped payload is what the refusal of a bare value suggests", async ({ db }) => {
  const refused = await refusal(db, () => enqueue(db, { payload: "7" }));

  expect(refused.hint).toBe('Wrap it: {"value": …}.');
});

test("a parent that does not exist is refused", async ({ db }) => {
  const refused = await refusal(db, () => enqueue(db, { parent_task_id: "9007199254740993" }));

  expect(refused).toMatchObject({ code: "TR001", message: "there is no task 9007199254740993" });
});

/** `{"a": "xxx"}`, as PostgreSQL writes it. */
function payloadOf(bytes: number): string {
  return JSON.stringify({ a: "x".repeat(bytes - 9) });
}

test("a payload of a mebibyte is stored, and one byte more is refused", async ({ db }) => {
  await enqueue(db, { payload: payloadOf(1_048_576) });
  const refused = await refusal(db, () => enqueue(db, { payload: payloadOf(1_048_577) }));

  expect(refused).toMatchObject({
    code: "TR003",
    message: "payload has 1048577 bytes, more than the limit of 1048576",
    hint: "Store it elsewhere and enqueue a reference, or raise triaged.max_payload_bytes.",
  });
});

test("tasks of more than 64 MiB together are refused, with a way out", async ({ db }) => {
  const enqueueAll = async (count: number) => {
    await db.query(
      `select from triaged.enqueue_tasks((
         select jsonb_agg(jsonb_build_object('task_type', 'noop', 'payload', given.payload))
         from (select jsonb_build_object('a', repeat('x', 1000000)) as payload) as given
         cross join generate_series(1, ${count})
       ))`,
    );
  };

  expect(await refusal(db, () => enqueueAll(68))).toMatchObject({
    code: "TR003",
    message: expect.stringMatching(/^the tasks have 68\d+ bytes together, more than .* 67108864$/),
    hint: expect.stringContaining("in several calls"),
  });
  await enqueueAll(10);
});

test("a payload that is short in memory and long in writing is refused by its length", async ({
  db,
}) => {
  const numbers = `{"a": [${Array.from({ length: 10 }, () => "1e131000").join()}]}`;

  for (const given of [{ payload: numbers }, { metadata: numbers }]) {
    const message = expect.stringMatching(/has 13100\d\d bytes/);
    expect(await refusal(db, () => enqueue(db, given))).toMatchObject({ code: "TR003", message });

    const [[key, json] = []] = Object.entries(given);
    const tasks = `[{"task_type": "noop"}, {"task_type": "noop", "${key}": ${json}}]`;
    const refused = await refusal(db, () => call(db, "enqueue_tasks", { tasks }));
    expect(refused).toMatchObject({ code: "TR003", message });
  }
});

test.for([
  { task_type: "é".repeat(200) },
  { queue: "é".repeat(200) },
  { run_at: "0001-01-01T00:00:00+00:00" },
  { run_at: "9999-12-31T23:59:59.999999+00:00" },
  { max_attempts: 100 },
  { metadata: { label: "x" } },
  { payload: { a: "x".repeat(8_200) } },
  { payload: { a: "x".repeat(1_048_576 - 9) } },
])("a batch takes what is unusual and within the limits ($#)", async (given, { db }) => {
  const tasks = JSON.stringify([{ task_type: "noop", ...given }]);

  expect(await call(db, "enqueue_tasks", { tasks })).toMatchObject([{ outcome: "created" }]);
});

test.for([
  { task_type: "é".repeat(201) },
  { queue: "é".repeat(201) },
  { payload: { a: "x".repeat(1_048_577 - 9) } },
])("a batch refuses what is just beyond a limit ($#)", async (given, { db }) => {
  const tasks = JSON.stringify([{ task_type: "noop" }, { task_type: "noop", ...given }]);

  const refused = await refusal(db, () => call(db, "enqueue_tasks", { tasks }));

  expect(["22023", "TR003"]).toContain(refused.code);
  expect(await query(db, "select from triaged.tasks")).toEqual([]);
});

test("a lower limit counts for each task of a batch", async ({ db }) => {
  const tasks = `[{"task_type": "noop"}, {"task_type": "noop", "payload": ${payloadOf(21)}}]`;
  await db.query("set local triaged.max_payload_bytes to 20");

  expect(await refusal(db, () => call(db, "enqueue_tasks", { tasks }))).toMatchObject({
    code: "TR003",
    message: "payload has 21 bytes, more than the limit of 20",
  });
});

test.for([
  { limit: 20, bytes: 20, stored: true },
  { limit: 20, bytes: 21, stored: false },
  { limit: 2_000_000, bytes: 1_500_000, stored: true },
])("under a limit of $limit, $bytes bytes are stored: $stored", async (given, { db }) => {
  await db.query("select set_config('triaged.max_payload_bytes', $1, true)", [String(given.limit)]);
  const payload = payloadOf(given.bytes);

  const code = await enqueue(db, { payload }).then(
    () => "stored",
    (err: { code: string }) => err.code,
  );

  expect(code).toBe(given.stored ? "stored" : "TR003");
});
