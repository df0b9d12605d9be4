// Goal: a page that is open while the database is away says so, and that it is back; one that is
// asked for meanwhile says so in words, and recovers by itself.
import { afterAll, expect, test } from "vitest";
import { createDatabase } from "../support/connections.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { faultsOf, openPage, startBrowser } from "../support/dashboard.ts";
import { startServe } from "../support/gateway.ts";

/** What a person calls a few seconds, beside other work of this machine. */
const SECONDS_MS = 10_000;

const database = await createDatabase();
const proxy = await startCuttingProxy(database.url, null);
const serve = await startServe({ DATABASE_URL: proxy.url, PORT: "0" });
const browser = await startBrowser();

afterAll(async () => {
  await browser.close();
  await serve[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await database.drop();
});

test("open pages say that the database is away and back, and new ones recover", async () => {
  await using opened = await openPage(browser, `${serve.address}/ui/queues`);
  await using reloaded = await openPage(browser, `${serve.address}/ui`);
  proxy.setAway(true);

  const banner = opened.page.getByRole("alert");
  await banner.getByText("The database does not answer").waitFor({ timeout: SECONDS_MS });
  expect(await faultsOf(opened.page)).toEqual([]);
  const answer = await reloaded.page.reload();
  expect(answer?.status()).toBe(503);
  await reloaded.page.getByRole("heading", { name: "The database does not answer" }).waitFor();
  expect(await faultsOf(reloaded.page)).toEqual([]);

  proxy.setAway(false);
  await banner.getByText("The database answers again").waitFor({ timeout: SECONDS_MS });
  await reloaded.page.getByRole("heading", { name: "Overview" }).waitFor({ timeout: SECONDS_MS });
  await reloaded.page.locator("#connection[data-state=live]").waitFor();
});
