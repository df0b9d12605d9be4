// Goal: the page of a task tells its story, moves with it, does what a person may do, and runs
// nothing of what the task carries.

import { afterAll, expect, test } from "vitest";
import { faultsOf, LOOKS, overflowOf, startDashboard } from "../support/dashboard.ts";
import { MARKUP, tellStories } from "../support/dashboard-story.ts";
import { withClient } from "../support/databases.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  readHistory,
  readTask,
  settle,
  startWorker,
  waitForStatus,
} from "../support/tasks.ts";

const shown = await startDashboard();
afterAll(() => shown[Symbol.asyncDispose]());
const { pool } = shown.gateway;
const stories = await withClient(shown.databaseUrl, tellStories);

test.for(["failed", "asked", "running", "judged", "later"] as const)(
  "a task that is %s is shown without faults, and nothing that it carries is run",
  async (name) => {
    await using opened = await shown.open(`/tasks/${stories[name]}`, {
      width: 360,
      look: name === "asked" ? "dark" : "light",
    });
    const { page } = opened;

    expect(await faultsOf(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).toContain("mail <img");
    expect(await page.locator("main .control").first().textContent()).toContain(String.raw`\u001b`);
    expect(opened.complaints).toEqual([]);
  },
);

test.for(LOOKS)("a verdict is read as one in %s", async (look) => {
  await using opened = await shown.open(`/tasks/${stories.judged}`, { look });
  const { page } = opened;

  await page.getByText("Action is needed").waitFor();
  await page.getByRole("heading", { name: "What breaks, and where" }).waitFor();
  await page.getByRole("heading", { name: "What was not looked at" }).waitFor();
  expect(await page.content()).not.toContain("s3cret");
  expect(await faultsOf(page)).toEqual([]);
});

test("a task moves on the page as it moves in the queue", async () => {
  const id = await enqueue(pool, { task_type: "moves" });
  await using opened = await shown.open(`/tasks/${id}`);
  const { page } = opened;
  const worker = await startWorker(pool, { task_types: ["moves"] });
  const [claimed] = await claimTasks(pool, worker);
  await page.getByRole("heading", { name: "Attempt 1 is running" }).waitFor();
  if (claimed === undefined) throw new Error("nothing was claimed");
  await settle(pool, [outcomeOf(claimed, "finish", { result: { message: "done well" } })]);

  await page.getByRole("heading", { name: "Attempt 1 finished" }).waitFor();
  await page.getByText("done well").first().waitFor();
  expect(opened.complaints).toEqual([]);
});

test("a failed task is retried with a reason, which its history and the page have", async () => {
  await using opened = await shown.open(`/tasks/${stories.failed}`);
  const { page } = opened;
  await page.locator("summary", { hasText: "Retry" }).click();
  await page.getByLabel("Reason").first().fill("the host is back");
  await page.getByRole("button", { name: "Retry" }).click();

  await page.getByText(`Task ${stories.failed} is queued again.`).waitFor();
  await page.getByText("the host is back").waitFor();
  expect((await readTask(pool, stories.failed)).status).toBe("queued");
  expect((await readHistory(pool, stories.failed)).at(-1)?.["event"]).toBe("retry");
});

test("a question is answered by a button, and the answer reaches the task", async () => {
  await using opened = await shown.open(`/tasks/${stories.asked}`);
  const { page } = opened;
  await page.getByText("What is known so far").click();
  await page.getByRole("button", { name: "No", exact: true }).click();

  await page.getByText(`Task ${stories.asked} has its answer`).waitFor();
  expect((await readTask(pool, stories.asked))["decision"]).toEqual({ answer: "no" });
});

test("a task that is due later is due at once, and a waiting one is cancelled, by buttons", async () => {
  await using opened = await shown.open(`/tasks/${stories.later}`);
  const { page } = opened;
  await page.locator("summary", { hasText: "Run now" }).click();
  await page.locator("details[open]").getByLabel("Reason").fill("it is urgent");
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByText("is due now").waitFor();
  await page.locator("summary", { hasText: "Cancel" }).click();
  await page.locator("details[open]").getByLabel("Reason").fill("not any more");
  await page.getByRole("button", { name: "Cancel" }).click();

  await page.getByText(`Task ${stories.later} is cancelled.`).waitFor();
  expect((await waitForStatus(pool, stories.later, "cancelled")).attempt_count).toBe(0);
});

test("an action without the token of a page is refused", async () => {
  const sent = await fetch(`${shown.gateway.url}/ui/tasks/${stories.running}/cancel`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "reason=x",
  });

  expect(sent.status).toBe(403);
  expect((await readTask(pool, stories.running))["cancel_requested_at"]).toBeNull();
});

test("each step of a story leads to the task as it was then", async () => {
  const id = await enqueue(pool, { task_type: "stepped" });
  const worker = await startWorker(pool, { task_types: ["stepped"] });
  const [claimed] = await claimTasks(pool, worker);
  if (claimed === undefined) throw new Error("nothing was claimed");
  await settle(pool, [outcomeOf(claimed, "finish", {})]);
  await using opened = await shown.open(`/tasks/${id}`);
  const { page } = opened;
  const steps = await page
    .locator(".timeline a.then")
    .evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));

  const statuses: string[] = [];
  for (const step of steps) {
    const { body } = await shown.gateway.send("GET", step);
    statuses.push(/<dt>Status<\/dt><dd><span class="status (\w+)"/.exec(String(body))?.[1] ?? "");
  }
  expect(statuses).toEqual(["queued", "started", "finished"]);
  await page.locator(".timeline a.then").first().click();
  await page.getByRole("heading", { name: `Task ${id} as it was` }).waitFor();
  expect(opened.complaints).toEqual([]);
});

test("a task that nobody knows is told of, and a name with markup is text there", async () => {
  const missing = await shown.gateway.send("GET", "/ui/tasks/999999999");

  expect(missing.status).toBe(404);
  expect(missing.body).toContain("There is no task 999999999.");
  expect(
    String((await shown.gateway.send("GET", `/ui/tasks/${stories.parent}`)).body),
  ).not.toContain(MARKUP);
});
