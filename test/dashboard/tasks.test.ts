// Goal: tasks are found by a filter that is an address, and many are acted on at once, with a
// reason.

import { afterAll, expect, test } from "vitest";
import { startDashboard } from "../support/dashboard.ts";
import { enqueue, query, readTask } from "../support/tasks.ts";

const XSS = `<img src=x onerror="document.title='broken'">`;

const shown = await startDashboard();
const { gateway } = shown;
afterAll(() => shown[Symbol.asyncDispose]());

const idsOf = async (address: string): Promise<string[]> => {
  const { body } = await gateway.send("GET", `/ui/tasks${address}`);
  return [...String(body).matchAll(/<tr id="task-(\d+)"/g)].map(([, id = ""]) => id);
};

test("each condition of the filter finds its tasks alone", async () => {
  const [one, other] = [
    await enqueue(gateway.pool, { task_type: "found", queue: "q1", payload: { a: { b: 5 } } }),
    await enqueue(gateway.pool, { task_type: "found", payload: { a: { b: "five" } } }),
  ];

  expect(await idsOf("?type=found")).toEqual([other, one]);
  expect(await idsOf("?type=found&queue=q1")).toEqual([one]);
  expect(await idsOf("?payload=a.b%3D5")).toEqual([one]);
  expect(await idsOf("?payload=a.b%3Dfive")).toEqual([other]);
  expect(await idsOf("?type=found&since=1h")).toEqual([other, one]);
  expect(await idsOf("?type=found&until=1h")).toEqual([]);
  expect(await idsOf("?type=found&status=failed")).toEqual([]);
  expect(await idsOf("?type=found&error=nothing")).toEqual([]);
  expect(await idsOf("?worker=nobody")).toEqual([]);
});

test("a list goes on page by page, without a task twice", async () => {
  const ids = [];
  for (let count = 0; count < 60; count += 1) {
    ids.unshift(await enqueue(gateway.pool, { task_type: "paged" }));
  }
  for (const condition of ["type=paged", "payload=none%3D1&type=paged"]) {
    const { body } = await gateway.send("GET", `/ui/tasks?${condition}`);
    const next = /href="([^"]+)" rel="next"/.exec(String(body))?.[1]?.replaceAll("&amp;", "&");
    const first = await idsOf(`?${condition}`);
    const second = next === undefined ? [] : await idsOf(next.slice("/ui/tasks".length));
    expect([...first, ...second]).toEqual(condition.startsWith("type") ? ids : []);
  }
});

test("markup in a type, a queue and an address is text", async () => {
  await enqueue(gateway.pool, { task_type: XSS, queue: XSS });
  await using opened = await shown.open(`/tasks?type=${encodeURIComponent(XSS)}`);

  await opened.page.getByText(`in ${XSS}`).waitFor();
  expect(await opened.page.locator("main img").count()).toBe(0);
  expect(await opened.page.title()).toBe("Tasks · triaged");
  expect(opened.complaints).toEqual([]);
});

test("selected tasks are cancelled with a reason, which their history names", async () => {
  const ids = [
    await enqueue(gateway.pool, { task_type: "chosen" }),
    await enqueue(gateway.pool, { task_type: "chosen" }),
  ];
  const left = await enqueue(gateway.pool, { task_type: "left" });
  await using opened = await shown.open("/tasks?type=chosen");
  const { page } = opened;

  await page.getByLabel("Select all on this page").check();
  await page.getByLabel("Reason").fill("not needed");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Cancelled 2 tasks.").waitFor();

  expect(page.url()).toBe(`${gateway.url}/ui/tasks?type=chosen`);
  for (const id of ids)
    expect(await readTask(gateway.pool, id)).toMatchObject({ status: "cancelled" });
  expect(await readTask(gateway.pool, left)).toMatchObject({ status: "queued" });
  const told = await query(
    gateway.pool,
    "select actor, reason, door from triaged.operations where task_id = any ($1) order by operation_id",
    [ids],
  );
  expect(told).toEqual([
    { actor: "http", reason: "not needed", door: "dashboard" },
    { actor: "http", reason: "not needed", door: "dashboard" },
  ]);
});

test("an operation on all that match begins after a preview, with a reason", async () => {
  for (let count = 0; count < 3; count += 1) await enqueue(gateway.pool, { task_type: "all" });
  await using opened = await shown.open("/tasks?type=all");
  const { page } = opened;

  await page.getByRole("link", { name: "All that match this filter" }).click();
  await page.getByRole("link", { name: "Cancel", exact: true }).click();
  await page.getByLabel("Reason").fill("a bad release");
  await page.getByRole("button", { name: "Cancel 3 tasks" }).click();
  await page.getByText(/Operation \d+ has begun/).waitFor();

  const operations = await query(
    gateway.pool,
    "select action, reason, target, expected from triaged.operations where action = 'cancel' and task_id is null",
  );
  expect(operations).toEqual([
    { action: "cancel", reason: "a bad release", target: { task_type: "all" }, expected: "3" },
  ]);
});
