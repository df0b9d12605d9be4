import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { runCli } from "../support/processes.ts";
import { startWorker } from "../support/tasks.ts";

test("a task type that no worker handles is told, with what was meant", async ({
  url,
  connect,
}) => {
  const run = (type: string) => runCli(["enqueue", type], { env: { DATABASE_URL: url } });
  expect((await run("change_notifcation")).stderr).toBe("");
  await startWorker(await connect(), { task_types: ["change_notification", "noop"] });

  expect(await run("change_notifcation")).toMatchObject({
    code: 0,
    stderr: "no worker handles change_notifcation; did you mean change_notification?\n",
  });
  expect((await run("noop")).stderr).toBe("");
});
