// What two connections do to the cache of verdicts at once.
import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { outcomeOf, settle, startTask } from "../support/tasks.ts";
import { makeResult } from "../support/triage-result.ts";
import { readFillers, store, take } from "../support/verdicts.ts";

test("an attempt that comes as the verdict is stored has it, and does not work it out again", async ({
  connect,
}) => {
  const [one, other, observer] = [await connect(), await connect(), await connect()];
  const [first, second] = [await startTask(one), await startTask(one)];
  await one.query("begin");
  await take(one, first);

  const taking = take(other, second);
  await waitUntilBlocked(observer, other);
  await store(one, first);
  await one.query("commit");

  expect(await taking).toEqual({ verdict: makeResult(), filler_task_id: null });
  expect(await readFillers(observer)).toEqual([]);
});

test("of two that come at once, one works it out", async ({ connect }) => {
  const [one, other, observer] = [await connect(), await connect(), await connect()];
  const [first, second] = [await startTask(one), await startTask(one)];
  await one.query("begin");
  expect(await take(one, first)).toBeUndefined();

  const taking = take(other, second);
  await waitUntilBlocked(observer, other);
  await one.query("commit");

  expect(await taking).toEqual({ verdict: null, filler_task_id: first.task_id });
});

test("of two that come after one that ended, one works it out", async ({ connect }) => {
  const [one, other, observer] = [await connect(), await connect(), await connect()];
  const [gone, first, second] = [await startTask(one), await startTask(one), await startTask(one)];
  await take(one, gone);
  await settle(one, [outcomeOf(gone, "finish")]);
  await one.query("begin");
  expect(await take(one, first)).toBeUndefined();

  const taking = take(other, second);
  await waitUntilBlocked(observer, other);
  await one.query("commit");

  expect(await taking).toEqual({ verdict: null, filler_task_id: first.task_id });
});
