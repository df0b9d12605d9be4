// Goal: a first look tells whether the queue is healthy, and if not, where: what the doctor found,
// with what to do about it, to readers as well.
import { afterAll, beforeAll, expect, test } from "vitest";
import { readJobRuns } from "../../src/database/graphile-tables.ts";
import { faultsOf, startDashboard, testDashboard } from "../support/dashboard.ts";
import { keysOf, startGateway } from "../support/gateway.ts";
import { startedJobs } from "../support/jobs.ts";

const shown = await startDashboard();
const { gateway } = shown;
beforeAll(async () => {
  await gateway.pool.query("select triaged.pause_queue('<b>night</b>')");
});
afterAll(() => shown[Symbol.asyncDispose]());

test("the doctor's findings are there within moments, each with what to do", async () => {
  await using opened = await shown.open("");
  const { page } = opened;
  const doctor = page.getByRole("region", { name: "Doctor" });

  await doctor.getByText("paused: <b>night</b>").waitFor();
  await doctor.getByText("triaged resume <b>night</b>").waitFor();
  expect(await doctor.getByRole("link", { name: "queues" }).getAttribute("href")).toBe(
    "/ui/queues",
  );
  expect(await faultsOf(page)).toEqual([]);
  // What the role that reads cannot find out is not a fault of the queue.
  expect(await doctor.textContent()).not.toContain("not allowed to look");
  const docs = await doctor
    .getByRole("link", { name: "All that it looks at" })
    .getAttribute("href");
  expect((await gateway.send("GET", docs?.split("#")[0] ?? "")).body).toContain("## The doctor");

  await doctor.getByRole("button", { name: "Look again" }).click();
  await page.locator(".banner.good", { hasText: "The doctor" }).waitFor();
  expect(opened.complaints).toEqual([]);
});

test("a reader sees the findings, and no button", async () => {
  await using reader = await startGateway(shown.databaseUrl, {
    keys: keysOf(["read"]),
    dashboard: testDashboard(shown.databaseUrl),
  });
  const overview = () => reader.send("GET", "/ui", { key: "key-of-read" });

  await expect.poll(async () => (await overview()).body).toContain("paused: &lt;b&gt;night");
  expect((await overview()).body).not.toContain("Look again");
});

test("the role that reads learns when the maintenance jobs ran", async () => {
  await using _jobs = await startedJobs(shown.databaseUrl);

  expect(await gateway.queue.look(readJobRuns)).toMatchObject({
    known: expect.arrayContaining([expect.objectContaining({ name: "verify" })]),
    failing: [],
  });
});
