// An environment in which a command cannot work ends it with 75 or 78, one line and a hint.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { describe, expect, inject } from "vitest";
import { test } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli } from "../support/processes.ts";
import { startStandIn } from "./stand-in-server.ts";

/** Run `triaged list` with an environment that must be refused. */
async function refusal(env: Record<string, string>) {
  const { code, stdout, stderr } = await runCli(["list"], { env });
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: .*(\n {2}.*)*\nhint: .*\n$/);
  return { code, stderr };
}

test("several bad settings are one error", async () => {
  const { code, stderr } = await refusal({ DB_POOL_SIZE: "ten", LOG_LEVEL: "loud" });

  expect(code).toBe(78);
  expect(stderr).toContain("error: 2 settings cannot be used\n  DB_POOL_SIZE: expected");
});

test("no database at all", async () => {
  const folder = await makeTemporaryFolder();

  const { code, stderr } = await refusal({ TRIAGED_DATA_DIR: folder.path });

  expect(code).toBe(75);
  expect(stderr).toContain("no DATABASE_URL, and no server runs in");
  await folder.remove();
});

test.for([
  ["a URL of something else", "mysql://u:s3cret@h/d", 78, /DATABASE_URL: expected a URL like/],
  ["words", "host=h password=s3cret", 78, /DATABASE_URL: expected a URL like/],
  ["a port where nobody listens", "postgres://u:s3cret@127.0.0.1:1/d", 75, /ECONNREFUSED/],
  [
    "a host that nobody knows",
    "postgres://u:s3cret@nobody.invalid/d?sslmode=disable",
    75,
    /cannot be reached: .*nobody\.invalid/,
  ],
  [
    "a certificate that is not there",
    "postgres://u:s3cret@127.0.0.1:1/d?sslmode=verify-full&sslrootcert=/nowhere.pem",
    78,
    /cannot read the file of sslrootcert, \/nowhere.pem/,
  ],
] as const)("%s", async ([, url, code, error]) => {
  const refused = await refusal({ DATABASE_URL: url });

  expect(refused.code).toBe(code);
  expect(refused.stderr).toMatch(error);
  expect(refused.stderr).not.toContain("s3cret");
});

test("a server that does not speak PostgreSQL", async () => {
  const server: Server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;

  const { code } = await refusal({ DATABASE_URL: `postgres://u@127.0.0.1:${port}/d` });

  expect(code).toBe(75);
  server.close();
});

test("PostgreSQL 14", async () => {
  const server = await startStandIn({ versionNumber: 140_013 });

  const { code, stderr } = await refusal({
    DATABASE_URL: `postgres://u@127.0.0.1:${server.port}/d`,
  });

  expect(code).toBe(78);
  expect(stderr).toContain("error: the server is PostgreSQL 14; triaged needs 15 or later");
  await server.stop();
});

/** The URL of the tests' server, with a change. */
function changed(change: (url: URL) => void): string {
  const url = new URL(inject("serverUrl"));
  change(url);
  return url.href;
}

describe("of a real server", () => {
  test("a database that does not exist", async () => {
    const url = changed((given) => {
      given.pathname = "/nowhere_at_all";
    });

    const { code, stderr } = await refusal({ DATABASE_URL: url });

    expect(code).toBe(78);
    expect(stderr).toContain('error: database "nowhere_at_all" does not exist');
  });

  test("a wrong password, or a user that may not log in", async () => {
    const url = changed((given) => {
      given.username = "nobody_at_all";
      given.password = "s3cret";
    });

    const { code, stderr } = await refusal({ DATABASE_URL: url });

    expect(code).toBe(78);
    expect(stderr).toContain("error: the server refused the login: ");
    expect(stderr).not.toContain("s3cret");
  });

  test("a user without rights on the schema", async ({ database }) => {
    const url = new URL(database.url);
    url.username = `stranger_${url.pathname.slice(1)}`;
    url.password = "s3cret";
    const asOwner = (...statements: string[]) =>
      withPool(database.url, async (db) => {
        for (const statement of statements) {
          await db.query(statement);
        }
      });
    await asOwner(`create role ${url.username} login password 's3cret'`);
    const refused = await refusal({ DATABASE_URL: url.href });
    await asOwner(`grant triaged_readonly to ${url.username}`);

    const looks = await runCli(["list"], { env: { DATABASE_URL: url.href } });
    const writes = await runCli(["enqueue", "noop"], { env: { DATABASE_URL: url.href } });

    await asOwner(`drop role ${url.username}`);
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain("error: not allowed: permission denied for schema triaged");
    expect(looks.code).toBe(0);
    expect(writes).toMatchObject({ code: 78, stdout: "" });
    expect(writes.stderr).toMatch(/^error: not allowed: .*\nhint: .*grant triaged_api/);
  });

  test("a schema that was never made", async ({ database }) => {
    const { code, stderr } = await refusal({
      DATABASE_URL: database.url,
      TRIAGED_SCHEMA: "elsewhere",
    });

    expect(code).toBe(78);
    expect(stderr).toContain("error: schema elsewhere lacks 0001-create-tasks");
    expect(stderr).toContain("hint: run `triaged migrate`");
  });
});
