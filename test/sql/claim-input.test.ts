// Goal: a claim brings along as much input as it was asked for, and the rest stays where it is
// until the attempt loads it.

import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { claimTasks, loadInput } from "../../src/database/attempts.ts";
import { inSchema } from "../../src/database/database.ts";
import { test } from "../support/connections.ts";
import { enqueue, settle, startWorker } from "../support/tasks.ts";

const LANE = { queue: "default", taskType: "noop", priority: 2, after: undefined };
const MAX = 20_000;

const INPUTS = [
  { name: "short", given: { payload: { text: "short" } }, brought: true },
  { name: "just short enough", given: { payload: textOf(MAX - 30) }, brought: true },
  { name: "too long", given: { payload: textOf(MAX + 1) }, brought: false },
  { name: "long, and short when compressed", given: { payload: { text: "x".repeat(500_000) } } },
  { name: "long metadata", given: { payload: {}, metadata: textOf(MAX) } },
  { name: "both too long together", given: { payload: textOf(12_000), metadata: textOf(12_000) } },
].map((input) => ({ brought: false, ...input }));

test.for(INPUTS)("input that is $name comes with a claim: $brought", async (input, { db }) => {
  const { given, brought } = input;
  const taskId = await enqueue(db, given);
  const workerId = await startWorker(db);
  const queue = inSchema(db);

  const [task] = await claimTasks(queue, { workerId, limit: 1, lanes: [LANE], inputBytesMax: MAX });
  const loaded = await loadInput(queue, { taskId, attempt: 1 });

  expect(task).toMatchObject({ taskId, taskType: "noop", attempt: 1 });
  expect(task).toMatchObject(
    brought ? { ...loaded } : { payloadText: null, metadataText: null, previousError: null },
  );
  expect(JSON.parse(loaded?.payloadText ?? "")).toEqual(given.payload);
  expect(JSON.parse(loaded?.metadataText ?? "")).toEqual(given.metadata ?? {});
});

test("a claim of several tasks leaves out what is long alone", async ({ db }) => {
  await enqueue(db, { payload: textOf(MAX + 1) });
  await enqueue(db, { payload: { text: "short" } });
  const workerId = await startWorker(db);

  const tasks = await claimTasks(inSchema(db), {
    workerId,
    limit: 2,
    lanes: [LANE],
    inputBytesMax: MAX,
  });

  expect(tasks.map(({ payloadText }) => payloadText)).toEqual(
    expect.arrayContaining([null, '{"text": "short"}']),
  );
});

test("an attempt that lost its task loads nothing", async ({ db }) => {
  const taskId = await enqueue(db);
  const workerId = await startWorker(db);
  const queue = inSchema(db);
  await claimTasks(queue, { workerId, limit: 1, lanes: [LANE], inputBytesMax: 0 });
  await settle(db, [{ task_id: taskId, attempt: 1, outcome: "release" }]);

  expect(await loadInput(queue, { taskId, attempt: 1 })).toBeNull();
});

/** An object of so many bytes as JSON, which no compression makes shorter. */
function textOf(bytes: number) {
  const frame = '{"text": ""}'.length;
  return {
    text: randomBytes(bytes)
      .toString("base64")
      .slice(0, bytes - frame),
  };
}
