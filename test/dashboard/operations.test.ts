// Goal: Operations shows who did what, when and why, how far an operation on many tasks is, and
// stops it; Then shows what was there.

import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOf, LOOKS, overflowOf, startDashboard } from "../support/dashboard.ts";
import { enqueue, query, queryOne } from "../support/tasks.ts";

const shown = await startDashboard();
const client = new Client({ connectionString: shown.databaseUrl });
let operationId = "";
let taskId = "";

/** Some actions of a person, and an operation on many tasks that nobody works on. */
beforeAll(async () => {
  await client.connect();
  taskId = await enqueue(client);
  const cancelled = await enqueue(client);
  await enqueue(client, { task_type: "other", queue: "night" });
  await client.query("select triaged.fold_history()");
  await client.query("begin");
  await client.query(
    "select set_config('triaged.actor', 'ann', true), set_config('triaged.reason', $1, true)",
    ["wrong <customer>"],
  );
  await client.query("select triaged.cancel_task($1)", [cancelled]);
  const { id } = await queryOne<{ id: string }>(
    client,
    `select triaged.start_operation('change_priority', '{"queue": "night"}', '{"priority": 0}') as id`,
  );
  await client.query("commit");
  operationId = id;
});

afterAll(async () => {
  await client.end();
  await shown[Symbol.asyncDispose]();
});

test("the list says what was done, of what, by whom and why", async () => {
  await using opened = await shown.open("/operations");
  const row = opened.page.getByRole("row", { name: /cancel/ });

  expect(await row.textContent()).toMatch(/task 2[^]*ann[^]*wrong <customer>[^]*sql/);
  expect(opened.complaints).toEqual([]);
});

test("a filter is an address, and leaves others out", async () => {
  await using opened = await shown.open("/operations");
  await opened.page.getByLabel("What").selectOption("change_priority");
  await opened.page.getByRole("button", { name: "Filter" }).click();
  await opened.page.waitForURL(/action=change_priority/);

  expect(await opened.page.getByRole("row").count()).toBe(2);
});

test("an operation is followed, and stopped with a reason", async () => {
  await using opened = await shown.open(`/operations/${operationId}`);
  const { page } = opened;
  const progress = page.getByRole("region", { name: "Progress" });
  expect(await progress.getByRole("status").textContent()).toContain("running");

  await page.locator("summary", { hasText: "Abort" }).click();
  const form = page.locator("details[open] form");
  await form.getByLabel("Reason").fill("not needed");
  await form.getByRole("button", { name: "Abort" }).click();
  await page.locator(".banner.good", { hasText: "What it did stays done." }).waitFor();
  await progress.getByText("aborted").waitFor();
  expect(await page.locator("summary", { hasText: "Abort" }).count()).toBe(0);

  expect(
    await query(
      client,
      "select action, reason, door, target from triaged.operations order by operation_id desc limit 1",
    ),
  ).toEqual([
    {
      action: "abort",
      reason: "not needed",
      door: "dashboard",
      target: { operation_id: Number(operationId) },
    },
  ]);
});

test("an operation that there is not is said to be none", async () => {
  await using opened = await shown.open("/operations/4711");

  expect(await opened.page.textContent("main")).toContain("There is no operation 4711");
});

test("text of strangers in an operation is text", async () => {
  await client.query("begin");
  for (const name of ["actor", "reason"]) {
    await client.query("select set_config($1, $2, true)", [
      `triaged.${name}`,
      '<script>alert(1)</script><img src=x onerror="alert(1)">',
    ]);
  }
  await client.query("select triaged.pause_queue($1)", ['<script>alert("queue")</script>']);
  await client.query("commit");

  await using opened = await shown.open("/operations?action=pause_queue");

  expect(await opened.page.locator("main script, main img").count()).toBe(0);
  expect(await opened.page.textContent("main")).toContain('<script>alert("queue")</script>');
  expect(opened.complaints).toEqual([]);
});

test("the audit log says what happened, and leads to the operation", async () => {
  await client.query("begin");
  await client.query("select set_config('triaged.actor', '<b>eve</b>', true)");
  await client.query("select triaged.pause_queue('night')");
  await client.query("commit");

  await using opened = await shown.open("/audit?severity=warning");
  const { page } = opened;
  await page.getByLabel("Event").selectOption("queue.paused");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/type=queue.paused&severity=warning/);

  const row = page.getByRole("row", { name: /night/ });
  expect(await row.textContent()).toMatch(/warning[^]*queue\.paused[^]*<b>eve<\/b>/);
  await row.getByRole("link", { name: /operation/ }).click();
  await page.getByRole("heading", { name: /pause queue/ }).waitFor();
  expect(opened.complaints).toEqual([]);
});

test("an instant shows what waited then, and a task as it was", async () => {
  const { at } = await queryOne<{ at: Date }>(client, "select now() as at");
  await client.query("select triaged.cancel_task($1)", [taskId]);

  await using opened = await shown.open(`/then?task=${taskId}&at=${at.toISOString()}`);
  const { page } = opened;

  expect(await page.getByRole("region", { name: "Depth" }).textContent()).toContain("night");
  expect(await page.textContent("main")).toMatch(/as it was[^]*queued[^]*since/);
  expect(opened.complaints).toEqual([]);
});

test("an instant that nothing is known of is said to be one", async () => {
  await using opened = await shown.open("/then?ago=1000");

  expect(await opened.page.textContent("main")).toContain("Nothing is known of that instant");
});

test.for(LOOKS)("all are without faults of accessibility in %s", async (look) => {
  for (const name of ["operations", "then", "audit"]) {
    await using opened = await shown.open(`/${name}`, { look });
    expect(await faultsOf(opened.page)).toEqual([]);
  }
});

test.for(["/operations", "/then", "/audit"])("%s fits a window of 360 pixels", async (address) => {
  await using opened = await shown.open(address, { width: 360 });
  expect(await overflowOf(opened.page)).toBe(0);
});
