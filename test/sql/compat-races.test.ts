import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { enqueue, query } from "../support/tasks.ts";

test("two first calls of one name at once make one worker", async ({ connect }) => {
  const [first, second, observer] = [await connect(), await connect(), await connect()];
  await first.query("begin");
  await first.query("select triaged.get_next_task('host-1')");

  const waiting = second.query("select triaged.get_next_task('host-1')");
  await waitUntilBlocked(observer, second);
  await first.query("commit");
  await waiting;

  expect(await query(observer, "select name from triaged.workers")).toEqual([{ name: "host-1" }]);
});

test("a compat worker that renews while it is rescued is told so", async ({ connect }) => {
  const [worker, rescuer, observer] = [await connect(), await connect(), await connect()];
  const taskId = await enqueue(worker, { task_type: "consumer_triage" });
  await worker.query("select triaged.get_next_task('host-1')");
  await worker.query("update triaged.workers set heartbeat_at = '-infinity'");
  await rescuer.query("begin");
  await rescuer.query("select triaged.rescue_tasks()");

  const renewing = worker
    .query("select triaged.update_task_status($1, 'started')", [taskId])
    .catch((err: unknown) => err);
  await waitUntilBlocked(observer, worker);
  await rescuer.query("commit");

  expect(await renewing).toMatchObject({ code: "TR002" });
});
