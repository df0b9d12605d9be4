import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

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
