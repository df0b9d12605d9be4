// Goal: `triaged up` sees a worker of its own exit, and takes back what that held.
// Method: kill -9; only a rescue at the exit ends the worker as "process exited".

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect } from "vitest";
import { found, test, waitFor } from "../support/connections.ts";
import { HANDLERS } from "../support/processes.ts";
import { enqueue, queryOne, readStory, waitForStatus } from "../support/tasks.ts";

const CLI = path.join(import.meta.dirname, "..", "..", "bin", "triaged.js");

test("up rescues the tasks of a worker that is killed, at the exit", async ({ url, client }) => {
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 1_000 } });
  const up = spawn(process.execPath, [CLI, "up"], {
    env: { ...process.env, DATABASE_URL: url, TASKS_DIR: HANDLERS, SHUTDOWN_GRACE_MS: "500" },
    stdio: ["ignore", "inherit", "pipe"],
  });
  let log = "";
  up.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  try {
    await waitForStatus(client, taskId, "started");
    const { pid, worker_id } = await queryOne<{ pid: number; worker_id: string }>(
      client,
      "select pid, worker_id from triaged.workers join triaged.tasks using (worker_id)",
    );

    // The other one would notice within a second, and on a busy machine it might be first.
    const other = await waitFor(async () => {
      const { rows } = await client.query<{ pid: number }>(
        "select pid from triaged.workers where pid <> $1",
        [pid],
      );
      return rows[0]?.pid;
    });
    process.kill(found(other), "SIGSTOP");
    process.kill(pid, "SIGKILL");
    await waitFor(() => log.includes("rescued at the exit"));
    process.kill(found(other), "SIGCONT");

    await waitForStatus(client, taskId, "finished");
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      "claim started",
      "rescue queued",
      "claim started",
      "finish finished",
    ]);
    const { end_reason } = await queryOne<{ end_reason: string }>(
      client,
      "select end_reason from triaged.workers where worker_id = $1",
      [worker_id],
    );
    expect(end_reason).toBe("process exited");
  } finally {
    const exited = once(up, "exit");
    up.kill("SIGTERM");
    await exited;
  }
});
