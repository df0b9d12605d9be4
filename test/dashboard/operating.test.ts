// Goal: the pages by which people operate a queue show what there is, as text, and do what they
// say, with the reason recorded; a reader sees no button, and is refused.

import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { faultsOf, overflowOf, startDashboard, testDashboard } from "../support/dashboard.ts";
import { MARKUP, SECRET, tellStories } from "../support/dashboard-story.ts";
import { withClient } from "../support/databases.ts";
import { keysOf, startGateway } from "../support/gateway.ts";
import { relate } from "../support/relationships.ts";
import { query, queryOne } from "../support/tasks.ts";

const SCHEDULES = path.join(import.meta.dirname, "../fixtures/dashboard/crontab");
const shown = await startDashboard({ schedulesFile: SCHEDULES });
afterAll(() => shown[Symbol.asyncDispose]());
const { pool } = shown.gateway;
const stories = await withClient(shown.databaseUrl, async (db) => {
  await relate(db, "acme/lib", "acme/shop", { config: { interface_files: ["src/<b>.ts"] } });
  await relate(db, "acme/lib", "acme/app", { config: { description: MARKUP } });
  await relate(db, "acme/template", "acme/copy", { type: "template_fork" });
  return await tellStories(db);
});

const PAGES = [
  "/attention",
  "/queues",
  "/workers",
  "/workers?state=ended",
  "/schedules",
  "/effects",
  "/repositories",
  "/repositories?repo=acme/lib&commit=abc1234",
];

test.for(PAGES)("%s is without faults in a narrow window, and runs nothing", async (address) => {
  await using opened = await shown.open(address, { width: 360, look: "dark" });
  const { page } = opened;

  expect(await faultsOf(page)).toEqual([]);
  expect(await overflowOf(page)).toBe(0);
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(opened.complaints).toEqual([]);
});

test("a reader sees no button on any page, and is refused what they do", async () => {
  await using gateway = await startGateway(shown.databaseUrl, {
    keys: keysOf(["read", "operate"]),
    dashboard: testDashboard(shown.databaseUrl),
  });
  const pages = [...PAGES, `/tasks/${stories.failed}`, `/tasks/${stories.asked}`];
  const formsFor = async (key: string) => {
    const sent = pages.map((page) => gateway.send("GET", `/ui${page}`, { key }));
    const shownPages = (await Promise.all(sent)).map(({ status, body }) => ({
      status,
      text: String(body),
    }));
    expect(shownPages.map(({ status }) => status)).toEqual(pages.map(() => 200));
    return shownPages.map(({ text }) =>
      /<form method="post"/.test(text.replace(/<form[^>]*sign-out/, "")),
    );
  };

  expect(await formsFor("key-of-read")).toEqual(pages.map(() => false));
  expect((await formsFor("key-of-operate")).filter(Boolean).length).toBeGreaterThan(6);
  for (const address of [
    "/attention/retry",
    "/queues/pause",
    "/effects/1/retry",
    "/schedules/run",
    "/repositories/save",
    "/repositories/remove",
    `/tasks/${stories.failed}/retry`,
    `/tasks/${stories.asked}/decide`,
  ]) {
    const refused = await gateway.send("POST", `/ui${address}`, {
      key: "key-of-read",
      body: "reason=x",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([address, refused.status]).toEqual([address, 403]);
    expect(refused.body).toMatch(/has the role read, not (?:operate|admin)/);
  }
});

test("no page shows what is covered, wherever it stands", async () => {
  await withClient(shown.databaseUrl, async (db) => {
    await db.query("begin");
    await db.query(`select set_config('triaged.reason', 'token=${SECRET}', true)`);
    await db.query("select triaged.change_priority($1, 0)", [stories.later]);
    await db.query("commit");
  });
  const { failed, asked, running, judged, parent, later } = stories;
  const at = encodeURIComponent(new Date(Date.now() + 1).toISOString());
  const pages = [
    ...PAGES,
    "",
    "/tasks",
    "/operations",
    `/then?task=${failed}&at=${at}`,
    ...[failed, asked, running, judged, parent, later].map((id) => `/tasks/${id}`),
  ];
  const sent = pages.map(async (page) => {
    const { status, body } = await shown.gateway.send("GET", `/ui${page}`);
    // The shape of an error has no digits.
    return [page, status, /s[3#]cret/.test(String(body))] as const;
  });

  expect(await Promise.all(sent)).toEqual(pages.map((page) => [page, 200, false]));
});

/** Open the form behind a button, give a reason, and send it. */
async function act(address: string, button: string): Promise<string> {
  await using opened = await shown.open(address);
  const { page } = opened;
  await page.locator("summary", { hasText: button }).first().click();
  const form = page.locator("details[open] form").first();
  await form.getByLabel("Reason").fill("because <b>so</b>");
  await form.getByRole("button").last().click();
  const notice = page.locator(".banner.good");
  await notice.waitFor();
  return await notice.innerText();
}

const newestOperation = () =>
  queryOne(
    pool,
    "select action, actor, reason, door from triaged.operations order by operation_id desc limit 1",
  );

const copies = () =>
  query(pool, "select from triaged.relationships where target_repo = 'acme/copy'");
const taskCount = async () => (await query(pool, "select from triaged.tasks")).length;

test("all failed tasks of a cause are retried by one operation", async () => {
  expect(await act("/attention", "Retry all")).toContain("retries all failed tasks of this cause");
  expect(await newestOperation()).toMatchObject({
    action: "retry",
    reason: "because <b>so</b>",
    door: "dashboard",
  });
});

test("a queue is paused and resumed", async () => {
  expect(await act("/queues", "Pause")).toContain("is paused");
  expect(await query(pool, "select from triaged.pauses")).toHaveLength(1);
  expect(await act("/queues", "Resume")).toContain("is claimed again");
  expect(await query(pool, "select from triaged.pauses")).toEqual([]);
});

test("a schedule is told in words, paused, run and resumed", async () => {
  expect(await act("/schedules", "Pause")).toContain("Schedule export_report is paused");
  expect(await act("/schedules", "Run")).toMatch(/Schedule export_report has enqueued task \d+/);
  expect(await newestOperation()).toMatchObject({ action: "run_schedule", door: "dashboard" });
  await using opened = await shown.open("/schedules");
  const row = (name: string) => opened.page.getByRole("row", { name });
  const paused = (await row("export_report").textContent()) ?? "";
  expect(paused).toMatch(/At 04:00[^]*paused/);
  const next = row("ledger").locator("time[data-age]");
  expect(await row("ledger").textContent()).toContain("Every 15 minutes");
  expect(await next.textContent()).toMatch(/^in \d+ (?:minutes?|seconds?)$/);
  expect(await next.getAttribute("title")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

  expect(await act("/schedules", "Resume")).toContain("Schedule export_report runs again");
  expect(await query(pool, "select from triaged.schedule_pauses")).toEqual([]);
});

test("an effect that failed is tried again", async () => {
  expect(await act("/effects?status=failed", "Try")).toContain("will be delivered again");
  expect(await newestOperation()).toMatchObject({ action: "retry_effect" });
});

test("a worker shows the tasks that it holds", async () => {
  await using opened = await shown.open("/workers");
  const link = opened.page.getByRole("link", { name: stories.running, exact: true });
  expect(await link.getAttribute("href")).toBe(`/ui/tasks/${stories.running}`);
});

test("a relationship is removed, and added again", async () => {
  expect(await act("/repositories?repo=acme/copy", "Remove")).toContain("is removed");
  expect(await copies()).toEqual([]);

  await using opened = await shown.open("/repositories");
  const { page } = opened;
  await page.locator("summary", { hasText: "Add a relationship" }).click();
  const form = page.locator("details[open] form");
  await form.getByLabel("Source:").fill("acme/template");
  await form.getByLabel("Target:").fill("acme/copy");
  await form.getByLabel("How the target").selectOption("template_fork");
  await form.getByLabel("Reason").fill("a new copy");
  await form.getByRole("button").click();
  await page.locator(".banner.good").waitFor();
  expect(await copies()).toHaveLength(1);
});

test("a notification is tried, and enqueues nothing", async () => {
  const before = await taskCount();
  await using opened = await shown.open("/repositories?repo=acme/lib&commit=abc1234");
  const { page } = opened;

  await page.getByText("Tried: 2 tasks would be enqueued. Nothing was.").waitFor();
  expect(await page.getByText("abc1234").count()).toBeGreaterThan(0);
  expect(await taskCount()).toBe(before);
});

test("the graph is a map of links", async () => {
  await using opened = await shown.open("/repositories");
  const { page } = opened;
  await page.locator("svg a", { hasText: "acme/template" }).click();

  await page.waitForURL(/repo=acme%2Ftemplate/);
  expect(await page.locator("svg a.selected").textContent()).toContain("acme/template");
});
