// Goal: the event listener of supervisord takes back what a worker held, at its exit.
// Method: speak supervisord's protocol to it; no other worker lives that could do the same.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startCli, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readStory, waitForStatus } from "../support/tasks.ts";

test("the tasks of a worker that exited are queued when supervisord says so", async ({
  url,
  client,
}) => {
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 60_000 } });
  await using worker = startWorkerProcess(url);
  await waitForStatus(client, taskId, "started");
  worker.signal("SIGKILL");
  await worker.exited;

  const listener = startCli(["supervisor-events"], {
    env: { DATABASE_URL: url },
    input: eventOf("PROCESS_STATE_EXITED", `processname:worker_00 expected:0 pid:${worker.pid}`),
  });

  expect(await listener.ended).toMatchObject({ code: 0, stdout: "READY\nRESULT 2\nOKREADY\n" });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "rescue queued",
  ]);
  expect(await query(client, "select end_reason from triaged.workers")).toEqual([
    { end_reason: "process exited" },
  ]);
});

/** An event as supervisord writes it: http://supervisord.org/events.html */
function eventOf(name: string, payload: string): string {
  return `ver:3.0 server:supervisor serial:1 pool:rescue eventname:${name} len:${payload.length}\n${payload}`;
}
