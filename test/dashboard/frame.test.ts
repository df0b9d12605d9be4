// Goal: what all pages have in common holds: they are complete without script, keep themselves
// current, say what went wrong, and load nothing that is not the gateway's own.

import { gzipSync } from "node:zlib";
import type { Response } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { PAGES } from "../../src/dashboard/pages.ts";
import { faultsOf, LOOKS, openPage, overflowOf, startDashboard } from "../support/dashboard.ts";
import { freePort } from "../support/folders-and-ports.ts";
import { startServe } from "../support/gateway.ts";
import { enqueue } from "../support/tasks.ts";

const shown = await startDashboard();
const { gateway } = shown;
afterAll(() => shown[Symbol.asyncDispose]());

/** First load of a page, in bytes as gzip sends them. */
const FIRST_LOAD_BYTES_MAX = 120_000;
/** A change is shown within so long. */
const LIVE_MS = 1_000;

const listed = PAGES.filter(({ nav }) => nav !== undefined).map(({ path }) => path);

test.for(listed)(
  "the page %s fits a window of 360 pixels, and has no fault in light and dark",
  async (path) => {
    for (const look of LOOKS) {
      await using opened = await shown.open(path, { look, width: 360 });

      expect(await overflowOf(opened.page)).toBe(0);
      expect(await faultsOf(opened.page)).toEqual([]);
      expect(opened.complaints).toEqual([]);
    }
  },
);

test("the first load is small, and comes from the gateway alone", async () => {
  await enqueue(gateway.pool);
  const context = await shown.browser.newContext();
  const page = await context.newPage();
  const answers: Response[] = [];
  page.on("response", (answer) => void answers.push(answer));
  await page.goto(`${gateway.url}/ui`, { waitUntil: "load" });
  await page.locator("canvas").first().waitFor();
  await page.locator("#connection[data-state=live]").waitFor();

  const hosts = new Set(answers.map((answer) => new URL(answer.url()).origin));
  // The live channel has no end.
  const whole = answers.filter((answer) => !answer.url().includes("/ui/live"));
  const bodies = await Promise.all(whole.map((answer) => answer.body()));
  const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
  expect([...hosts]).toEqual([gateway.url]);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  await context.close();
});

test("pages say what a reader sees without their script", async () => {
  const task = await enqueue(gateway.pool, { task_type: "plain" });
  await using opened = await shown.open("/tasks?type=plain", { isScripted: false });

  await opened.page.getByRole("link", { name: task, exact: true }).click();
  await opened.page.getByRole("heading", { name: task }).first().waitFor();
  expect(opened.page.url()).toContain(`/ui/tasks/${task}`);
});

test("a list follows the queue without a reload, and what is written stays", async () => {
  await using opened = await shown.open("/tasks?type=followed");
  const { page } = opened;
  await page.getByLabel("Error contains").fill("half written");

  const task = await enqueue(gateway.pool, { task_type: "followed" });
  const row = page.locator(`#task-${task}`);
  // Once the tail has begun: a second of a quiet queue is what the page promises.
  await row.waitFor({ timeout: LIVE_MS * 5 });
  await row.getByText("queued").waitFor();

  expect(await page.getByLabel("Error contains").inputValue()).toBe("half written");
  expect(opened.complaints).toEqual([]);
});

test("an address that cannot be read, and one that is not there, are pages that say so", async () => {
  const bad = await gateway.send("GET", "/ui/tasks?since=yesterday");
  expect(bad.status).toBe(400);
  expect(bad.body).toContain("expected a span such as 30min");

  const lost = await gateway.send("GET", "/ui/nowhere");
  expect(lost.status).toBe(404);
  expect(lost.body).toContain("There is no page /ui/nowhere");
});

test("no page runs, frames or loads anything of others", async () => {
  const { headers } = await gateway.send("GET", "/ui");

  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toContain("unsafe");
  expect(headers.get("cache-control")).toBe("no-store");
});

test("a page that is open while the server restarts says so, and goes on", async () => {
  const port = await freePort();
  const env = { DATABASE_URL: shown.databaseUrl, PORT: String(port) };
  const first = await startServe(env);
  await using opened = await openPage(shown.browser, `http://127.0.0.1:${port}/ui/tasks`);
  await first[Symbol.asyncDispose]();

  await opened.page.getByText("Connection lost, trying again").waitFor();
  await using _second = await startServe(env);
  await opened.page.locator("#connection[data-state=live]").waitFor({ timeout: 30_000 });
  expect(await opened.page.getByText("Connection lost").count()).toBe(0);
});
