// Goal: each page, light and dark, over a queue with a believable hour behind it: without
// complaints of the browser, and as a picture that docs/ shows.
// Method: PICTURES=write writes them to docs/images; else they go where nobody keeps them, and
// are of one look, since the tests of each page have the other.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOOKS, startDashboard } from "../support/dashboard.ts";
import { type Day, tellDay } from "../support/dashboard-day.ts";
import { withClient } from "../support/databases.ts";

const SCHEDULES = path.join(import.meta.dirname, "../fixtures/dashboard/crontab");
/** A page's picture costs no more than this to load. */
const BYTES_MAX = 70_000;
/** CSS pixels: an empty page is no taller than its navigation, and a long one is cut. */
const HEIGHT_MIN = 420;
const HEIGHT_MAX = 860;
const isKept = process.env["PICTURES"] === "write";
const folder = isKept
  ? path.join(import.meta.dirname, "../../docs/images")
  : await mkdtemp(path.join(tmpdir(), "pictures-"));

const shown = await startDashboard({ schedulesFile: SCHEDULES });
let day: Day;

beforeAll(async () => {
  day = await withClient(shown.databaseUrl, (db) => tellDay(db));
  await mkdir(folder, { recursive: true });
});

afterAll(async () => {
  await shown[Symbol.asyncDispose]();
  if (!isKept) await rm(folder, { recursive: true });
});

const PAGES: readonly (readonly [string, (told: Day) => string])[] = [
  ["overview", () => ""],
  ["tasks", () => "/tasks"],
  ["task", ({ judged }) => `/tasks/${judged}`],
  ["question", ({ asked }) => `/tasks/${asked}`],
  ["attention", () => "/attention"],
  ["schedules", () => "/schedules"],
  ["queues", () => "/queues"],
  ["workers", () => "/workers"],
  ["effects", () => "/effects"],
  ["repositories", () => "/repositories"],
  ["then", ({ instant }) => `/then?at=${instant}`],
  ["operations", () => "/operations"],
  ["operation", ({ operation }) => `/operations/${operation}`],
];

test.for(
  PAGES.flatMap(([name, addressIn]) =>
    (isKept ? LOOKS : LOOKS.slice(0, 1)).map((look) => ({ name, look, addressIn })),
  ),
)("$name has a picture in $look", async ({ name, look, addressIn }) => {
  for (const worker of day.workers) {
    await shown.gateway.pool.query("select triaged.heartbeat_worker($1)", [worker]);
  }
  await using opened = await shown.open(addressIn(day), { look });
  const { page, complaints } = opened;
  const end = await page
    .locator("#content")
    .evaluate((content) => content.getBoundingClientRect().bottom);
  const height = Math.min(HEIGHT_MAX, Math.max(HEIGHT_MIN, Math.ceil(end) + 24));
  await page.setViewportSize({ width: 1_280, height });
  const picture = await takePicture(page);
  await writeFile(path.join(folder, `${name}-${look}.webp`), picture);

  expect(complaints).toEqual([]);
  expect(await spillsOf(page)).toEqual([]);
  expect(picture.length).toBeGreaterThan(5_000);
  expect(picture.length).toBeLessThan(BYTES_MAX);
});

/** Parts of the page that are taller than their place, and so lie over what follows. */
async function spillsOf(page: Page): Promise<string[]> {
  return await page
    .locator("#content form, #content section, #content figure, #content p")
    .evaluateAll((parts) =>
      parts
        .filter((part) => part.scrollHeight > part.clientHeight + 1)
        .map((part) => `${part.tagName} ${part.className}`),
    );
}

/**
 * As WebP, which Playwright's own pictures cannot be: text stays sharp at two thirds of the bytes
 * of a JPEG, and less than half of those of a PNG.
 */
async function takePicture(page: Page): Promise<Buffer> {
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: 75 });
  return Buffer.from(data, "base64");
}
