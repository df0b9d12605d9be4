// Goal: a task that takes its workers down does not do so for ever, and says what happened.

import { expect } from "vitest";
import { concurrentTest as test, waitFor } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, waitForStatus } from "../support/tasks.ts";

const HOLDER = `
  select has_session_lock from triaged.tasks join triaged.workers using (worker_id)
  where task_id = $1 and status = 'started' and attempt_count = $2`;

test.for([
  { maxRescues: "3", by: "after three deaths, unless set", env: {} },
  { maxRescues: "1", by: "after as many as MAX_RESCUES says", env: { MAX_RESCUES: "1" } },
])(
  "a task whose workers are killed is failed $by",
  async ({ maxRescues, env }, { url, client }) => {
    const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 600_000 } });
    const deaths = Array.from({ length: Number(maxRescues) }, (_, index) => index + 1);
    for (const death of deaths) {
      await using worker = startWorkerProcess(url, { args: ["--name", `victim ${death}`], env });
      // With its lock, by which the next one sees at once that it died.
      await waitFor(
        async () =>
          (await client.query(HOLDER, [taskId, death])).rows[0]?.has_session_lock === true,
        { deadlineMs: 20_000 },
      );
      worker.signal("SIGKILL");
      await worker.exited;
    }
    await using survivor = startWorkerProcess(url, { env });

    const task = await waitForStatus(client, taskId, "failed");

    expect(task).toMatchObject({
      attempt_count: deaths.length,
      rescue_count: deaths.length,
      failure_count: 0,
      error: deaths.map((death) => `worker ${death} (victim ${death}) died`).join("; "),
    });
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      ...deaths.flatMap((death) => [
        "claim started",
        death < deaths.length ? "rescue queued" : "rescue failed",
      ]),
    ]);
    // It is the task that is ill, not the survivor.
    await waitForStatus(client, await enqueue(client), "finished");
    await waitFor(() =>
      survivor.log().some(({ msg }) => msg === "rescued the tasks of dead workers"),
    );
  },
);
