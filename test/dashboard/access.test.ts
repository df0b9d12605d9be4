// Goal: who may enter the pages, and what readers may do there: keys, sessions, a proxy, forms.

import { hash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { IDLE_MS, ROTATE_MS, SESSION_MS, Sessions } from "../../src/dashboard/access/sessions.ts";
import type { Database } from "../../src/database/database.ts";
import { KeyRing } from "../../src/gateway/keys.ts";
import { found, waitFor } from "../support/connections.ts";
import { faultsOf, startDashboard } from "../support/dashboard.ts";
import { keysOf } from "../support/gateway.ts";
import { enqueue } from "../support/tasks.ts";

const KEYS = keysOf(["read", "operate", "admin"]);
const SECRET = "the-secret-of-these-tests-alone";
const PROXY = { userHeader: "x-user", roleHeader: "x-role", role: "read" } as const;

const shown = await startDashboard({
  keys: KEYS,
  config: { proxy: { ...PROXY, addresses: ["127.0.0.1"] }, sessionSecret: SECRET },
});
const { gateway, browser } = shown;
afterAll(() => shown[Symbol.asyncDispose]());

/** A browser's way in: the page to sign in, with a key. */
async function signIn(key: string, address = "/tasks") {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.url}/ui${address}`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  return { page, context, [Symbol.asyncDispose]: () => context.close() };
}

/** A page as that address gets it. */
const ask = (headers: Record<string, string>, url = gateway.url) =>
  fetch(`${url}/ui/tasks`, { headers, redirect: "manual" });

test("a key is exchanged for a session, which a click ends", async () => {
  await using reader = await signIn("key-of-operate", "/tasks?status=failed");
  const { page, context } = reader;

  await page.waitForURL(`${gateway.url}/ui/tasks?status=failed`);
  await page.getByText("operate-key · operate").waitFor();
  const session = found((await context.cookies()).find(({ name }) => name === "triaged_session"));
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/ui" });
  expect(session.value).not.toContain("key-of-operate");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  const headers = { cookie: `triaged_session=${session.value}` };
  const answer = await fetch(`${gateway.url}/ui/tasks`, { headers, redirect: "manual" });
  expect(answer.headers.get("location")).toBe("/ui/sign-in?to=%2Fui%2Ftasks");
});

test("a wrong key is refused on a page without faults", async () => {
  await using reader = await signIn("key-of-nobody");

  await reader.page.getByRole("alert").getByText("There is no such key.").waitFor();
  expect(await faultsOf(reader.page)).toEqual([]);
});

const signIns = async (outcome: string) =>
  (
    await gateway.pool.query(
      "select details from triaged.audit_logs where event_type = 'signin.' || $1::text",
      [outcome],
    )
  ).rows;

test("sign-ins and those that fail are in the audit log, which readers do not see", async () => {
  {
    await using mallory = await signIn("key-of-mallory");
    await mallory.page.getByRole("alert").waitFor();
  }
  await waitFor(async () => (await signIns("failed")).length > 0);
  await using operator = await signIn("key-of-operate", "/audit?type=signin.failed");
  const rows = await operator.page.getByRole("region", { name: "Audit log" }).textContent();
  expect(rows).toMatch(/unknown_key[^]*127\.0\.0\.1/);
  expect(rows).not.toContain("mallory");
  // Whoever opens a page without a session has tried nothing.
  expect(rows).not.toContain("key_missing");
  await waitFor(async () => JSON.stringify(await signIns("succeeded")).includes("operate-key"));

  await using reader = await signIn("key-of-read", "/audit");
  await reader.page.getByText("has the role read, not operate").waitFor();
});

test("nobody is sent to another site after signing in", async () => {
  for (const to of ["//evil.example", "https://evil.example", "/ui\\@evil.example", "/api/tasks"]) {
    const page = await (
      await fetch(`${gateway.url}/ui/sign-in?to=${encodeURIComponent(to)}`)
    ).text();
    expect(page).toContain('name="to" value="/ui"');
  }
});

test("a session is renewed, ends when it is idle or old, and with its key", () => {
  let now = 0;
  let keys = KEYS;
  const sessions = new Sessions({
    keys: { named: (name) => keys.named(name) },
    secret: "of-this-test",
    now: () => now,
  });
  const first = found(sessions.begin(found(KEYS.callerOf("key-of-read"))));
  expect(sessions.read(first)).toMatchObject({ caller: { role: "read" }, renewed: null });
  expect(sessions.read(`${first.slice(0, -3)}abc`)).toBeNull();

  now = ROTATE_MS + 1;
  const second = found(sessions.read(first)?.renewed);
  now = IDLE_MS + 2;
  expect(sessions.read(first)).toBeNull();
  expect(sessions.read(second)).not.toBeNull();

  let text = second;
  while (now <= SESSION_MS) {
    text = sessions.read(text)?.renewed ?? text;
    now += ROTATE_MS + 1;
  }
  expect(sessions.read(text)).toBeNull();

  const other = found(sessions.begin(found(KEYS.callerOf("key-of-read"))));
  const next = { name: "read-key", role: "admin", requestsPerMinute: null } as const;
  keys = new KeyRing([{ ...next, hash: hash("sha256", "another key of that name", "buffer") }]);
  expect(sessions.read(other)).toBeNull();
  keys = keysOf([]);
  expect(sessions.read(other)).toBeNull();
});

test("a browser whose session is used gets its next text, which is good as well", async () => {
  const earlier = new Sessions({
    keys: KEYS,
    secret: SECRET,
    now: () => Date.now() - ROTATE_MS - 1_000,
  });
  const old = found(earlier.begin(found(KEYS.callerOf("key-of-read"))));
  const first = await ask({ cookie: `triaged_session=${old}` });
  const given = found(
    first.headers.getSetCookie().find((one) => one.startsWith("triaged_session=")),
  );

  expect(given).toMatch(/; HttpOnly; SameSite=Strict$/);
  const next = found(given.split(";")[0]);
  expect(next).not.toBe(`triaged_session=${old}`);
  expect((await ask({ cookie: next })).status).toBe(200);
});

test("a session ends in all its texts at once", () => {
  let now = 0;
  const sessions = new Sessions({ keys: KEYS, secret: null, now: () => now });
  const first = found(sessions.begin(found(KEYS.callerOf("key-of-read"))));
  now = ROTATE_MS + 1;
  const session = found(sessions.read(first));
  sessions.end(session);

  expect(sessions.read(first)).toBeNull();
  expect(sessions.read(found(session.renewed))).toBeNull();
});

test("a proxy that is trusted names readers, and no other address does", async () => {
  const named = await ask({ "x-user": "ada@example.org", "x-role": "operate" });
  expect(await named.text()).toContain("ada@example.org · operate");
  expect(await (await ask({ "x-user": "ada" })).text()).toContain("ada · may look");
  expect((await ask({ "x-user": "worker 1" })).status).toBe(403);
  expect((await ask({ "x-user": "ada", "x-role": "root" })).status).toBe(403);
  expect((await ask({})).status).toBe(303);

  await using elsewhere = await startDashboard({
    config: { proxy: { ...PROXY, addresses: ["10.0.0.0/8"] } },
  });
  expect((await ask({ "x-user": "ada" }, elsewhere.gateway.url)).status).toBe(303);
});

test("a form without the token of its page is refused", async () => {
  const task = await enqueue(gateway.pool);
  const send = (key: string) =>
    fetch(`${gateway.url}/ui/tasks/act`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/x-www-form-urlencoded" },
      body: `task=${task}&deed=cancel&reason=x&_csrf=made-up`,
      redirect: "manual",
    });

  const refused = await send("key-of-operate");
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain("This form was not made for you");
  // Who may only look is refused before that.
  expect(await (await send("key-of-read")).text()).toContain("has the role read, not operate");
});

test("nobody is signed out, or in, by a form of another page", async () => {
  const sessions = new Sessions({ keys: KEYS, secret: SECRET });
  const text = found(sessions.begin(found(KEYS.callerOf("key-of-read"))));
  const cookie = `triaged_session=${text}`;

  for (const address of ["sign-out", "sign-in"]) {
    const { status } = await fetch(`${gateway.url}/ui/${address}`, {
      method: "POST",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      body: "key=key-of-operate&_csrf=made-up",
      redirect: "manual",
    });
    expect([address, status]).toEqual([address, 403]);
  }
  expect((await ask({ cookie })).status).toBe(200);
});

const roleOf = (db: Database) =>
  db.query({
    text: "select current_user as role, current_setting('transaction_read_only') as read_only",
  });

test("a caller who may only look is refused by the database as well", async () => {
  const reader = { name: "ada", role: "read", requestsPerMinute: null } as const;
  const readonly = [{ role: "triaged_readonly", read_only: "on" }];
  expect(await gateway.queue.read(roleOf)).toEqual(readonly);
  expect(await gateway.queue.write(reader, roleOf)).toEqual(readonly);
  await expect(
    gateway.queue.write(reader, (db) =>
      db.query({ text: "select triaged.pause_queue('default')", values: [] }),
    ),
  ).rejects.toMatchObject({ code: expect.stringMatching(/^(?:25006|42501)$/) });
});
