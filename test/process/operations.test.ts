// Goal: the jobs do what people began: all that match, at once, and verify where somebody asks.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { lastVerifyRun } from "../../src/database/verify/runs.ts";
import { createClient } from "../../src/index.ts";
import { test, waitFor } from "../support/connections.ts";
import { startedJobs } from "../support/jobs.ts";
import { call, claimTasks, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";

const COUNT = 4_000;

test("four thousand failed tasks of one cause are retried with a reason, and verified", async ({
  url,
  client,
}) => {
  const task = { task_type: "noop", max_attempts: 1 };
  await call(client, "enqueue_tasks", {
    tasks: JSON.stringify(Array.from({ length: COUNT + 1 }, () => task)),
  });
  const claimed = await claimTasks(client, await startWorker(client), { max_tasks: COUNT + 1 });
  await settle(
    client,
    claimed.map((one, place) =>
      outcomeOf(one, "fail", { error: "no", detail: { class: place === 0 ? "other" : "timeout" } }),
    ),
  );
  await using _jobs = await startedJobs(url);
  const operator = createClient({ connectionString: url });

  const id = await operator.operations.start(
    { action: "retry", filter: { cause: "timeout" } },
    { actor: "ann", reason: "the release was broken" },
  );
  await waitFor(async () => (await operator.operations.get(id))?.status === "done", {
    deadlineMs: 30_000,
  });

  expect(await operator.operations.get(id)).toMatchObject({
    actor: "ann",
    reason: "the release was broken",
    door: "client",
    expected: COUNT,
    matched: COUNT,
    done: COUNT,
  });
  expect(
    await query(
      client,
      `select actor, detail ->> 'operation_id' as id, count(*)::integer
       from triaged.task_history where event = 'retry' group by 1, 2`,
    ),
  ).toEqual([{ actor: "ann", id, count: COUNT }]);

  await waitFor(async () => {
    const [row] = await query(client, "select triaged.request_verify() as requested");
    return row?.["requested"];
  });
  expect(
    await waitFor(() => lastVerifyRun(inSchema(client)), { deadlineMs: 30_000 }),
  ).toMatchObject({ is_ok: true, is_complete: true, since: null });
  await operator.close();
});
