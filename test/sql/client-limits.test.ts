// Goal: no call of a client takes or gives more than a process can hold.

import { expect } from "vitest";
import { createClient } from "../../src/index.ts";
import { test } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

test("history gives the newest transitions, no more than a thousand", async ({ db }) => {
  const client = createClient({ pool: db });
  const { taskId } = await client.enqueue("noop", {});
  await query(
    db,
    `insert into triaged.task_history (task_id, task_type, at, event, status, attempt_count, actor)
     select $1, 'noop', triaged.now() + make_interval(secs => n), 'snooze ' || n, 'queued', n, 'test'
     from generate_series(1, 1200) as n`,
    [taskId],
  );

  const events = (await client.history(taskId)).map(({ event }) => event);
  expect(events).toHaveLength(1_000);
  expect(events[0]).toBe("snooze 201");
  expect(events.at(-1)).toBe("snooze 1200");
  expect((await client.history(taskId, { limit: 2 })).map(({ event }) => event)).toEqual([
    "snooze 1199",
    "snooze 1200",
  ]);
  await expect(client.history(taskId, { limit: 1_001 })).rejects.toThrow(TypeError);
});

test("enqueueMany refuses more than 64 MiB before it asks", async ({ db }) => {
  const client = createClient({ pool: db });
  const payload = { text: "x".repeat(1_000_000) };
  const tasks = Array.from({ length: 68 }, () => ({ taskType: "noop", payload }));

  await expect(client.enqueueMany(tasks)).rejects.toMatchObject({
    name: "PayloadError",
    message: expect.stringMatching(/68\d+ bytes together, more than the limit of 67108864/),
    hint: expect.stringContaining("in several calls"),
  });
});
