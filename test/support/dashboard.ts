/**
 * The dashboard in a browser: one gateway on a database of its own, and one Chromium, for a test
 * file.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { dashboard } from "../../src/dashboard/dashboard.ts";
import type { Dashboard } from "../../src/gateway/gateway.ts";
import { readConfig } from "../../src/settings/config.ts";
import type { DashboardConfig } from "../../src/settings/dashboard.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { TRIAGE_PAGES } from "../../src/triage/pages/pages.ts";
import { createDatabase } from "./connections.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { JOBS } from "./jobs.ts";

/** What dashboards of tests are set to, unless they say otherwise. */
const TEST_CONFIG: DashboardConfig = {
  redact: ["password", "token"],
  sessionSecret: null,
  proxy: null,
};

export const LOOKS = ["light", "dark"] as const;
export type Look = (typeof LOOKS)[number];

export type OpenedPage = AsyncDisposable & {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console: a violation of the policy is one. */
  readonly complaints: string[];
};

export type TestDashboard = AsyncDisposable & {
  readonly gateway: TestGateway;
  readonly databaseUrl: string;
  readonly browser: Browser;
  /** Open an address below `/ui` in a context of its own, and wait until it is live. */
  readonly open: (
    address: string,
    options?: { readonly look?: Look; readonly width?: number; readonly isScripted?: boolean },
  ) => Promise<OpenedPage>;
};

/** The pages as `triaged serve` has them. */
export function testDashboard(url: string, config: Partial<DashboardConfig> = {}): Dashboard {
  return dashboard({ ...TEST_CONFIG, ...config }, TRIAGE_PAGES, {
    config: readConfig({ DATABASE_URL: url }),
    database: parseDatabaseUrl(url),
    jobs: JOBS,
    clock: Date.now,
  });
}

/** Start both, and have them closed when the scope ends. */
export async function startDashboard({
  config = {},
  ...options
}: Omit<NonNullable<Parameters<typeof startGateway>[1]>, "dashboard"> & {
  readonly config?: Partial<DashboardConfig>;
} = {}): Promise<TestDashboard> {
  const database = await createDatabase();
  const gateway = await startGateway(database.url, {
    ...options,
    dashboard: testDashboard(database.url, config),
  });
  const browser = await startBrowser();
  return {
    gateway,
    databaseUrl: database.url,
    browser,
    open: (address, how) => openPage(browser, `${gateway.url}/ui${address}`, how),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await gateway[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

/** Debian's Chromium, or the one that CHROMIUM names. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium" });
}

/** How long a page has to become live. */
const LIVE_MS_MAX = 10_000;

export async function openPage(
  browser: Browser,
  url: string,
  {
    look = "light",
    width = 1280,
    isScripted = true,
  }: { readonly look?: Look; readonly width?: number; readonly isScripted?: boolean } = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({
    colorScheme: look,
    viewport: { width, height: 900 },
    javaScriptEnabled: isScripted,
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  if (isScripted && (await page.locator("#connection").count()) > 0) {
    await page.locator("#connection[data-state=live]").waitFor({ timeout: LIVE_MS_MAX });
  }
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** What axe finds wrong: each rule, and the elements that break it. */
export async function faultsOf(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** How much wider the page is than its window, in CSS pixels: 0 is right. */
export async function overflowOf(page: Page): Promise<number> {
  return await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}
