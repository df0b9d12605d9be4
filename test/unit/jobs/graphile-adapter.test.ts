// Goal: notifications of strangers neither stop the runner of the jobs nor keep it busy.

import { Client } from "pg";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { guardNotifications } from "../../../src/jobs/graphile-adapter.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A client that never connects, and what its listener hears. */
function guarded({ isOutdated = false } = {}) {
  const client = new Client();
  const asked = vi.fn<() => Promise<boolean>>(() => Promise.resolve(isOutdated));
  guardNotifications(client, { isOutdated: asked });
  const heard: unknown[] = [];
  client.on("notification", (message) => heard.push(message));
  const notify = (channel: string, payload = "") =>
    client.emit("notification", { channel, payload });
  return { client, notify, heard, asked };
}

test("a new job is passed on at once, for every worker", () => {
  const { notify, heard } = guarded();

  notify("jobs:insert", '{"count": 1}');

  expect(heard).toEqual([
    { channel: "jobs:insert", payload: JSON.stringify({ count: Number.MAX_SAFE_INTEGER }) },
  ]);
});

test("a flood of jobs is passed on ten times a second, the last one too", () => {
  const { notify, heard } = guarded();

  for (let of = 0; of < 100_000; of += 1) notify("jobs:insert", "garbage");
  expect(heard).toHaveLength(1);
  vi.advanceTimersByTime(10_000);
  expect(heard).toHaveLength(2);
});

test("a migration that nobody made is not passed on, and seldom asked for", async () => {
  const { notify, heard, asked } = guarded();

  for (let of = 0; of < 1_000; of += 1) notify("worker:migrate", '{"breaking": true}');
  await vi.advanceTimersByTimeAsync(900);

  expect(heard).toEqual([]);
  expect(asked).toHaveBeenCalledTimes(1);
});

test("a migration that was made is passed on", async () => {
  const { notify, heard } = guarded({ isOutdated: true });

  notify("worker:migrate", '{"breaking": true}');
  await vi.advanceTimersByTimeAsync(0);

  expect(heard).toEqual([{ channel: "worker:migrate", payload: '{"breaking":true}' }]);
});

test("an event that is no notification is passed through", () => {
  const { client } = guarded();
  const ends = vi.fn<() => void>();
  client.on("end", ends);

  client.emit("end");

  expect(ends).toHaveBeenCalledTimes(1);
});
