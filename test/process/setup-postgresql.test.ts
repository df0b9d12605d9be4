// Goal: deploy/postgresql/setup-postgresql.sh makes a server ready for `triaged migrate`, once, and
// neither prints nor changes a password that it was not asked for.
// Method: Debian's server, which asks all but its superuser for a password; the script as an
// operator runs it, and triaged by the address that it prints.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { withClient } from "../support/databases.ts";
import { hasDebian, type OwnServer, startOwnServer } from "../support/own-servers.ts";
import { runCli } from "../support/processes.ts";

const SCRIPT = path.join(import.meta.dirname, "../../deploy/postgresql/setup-postgresql.sh");

/** Subjects of the doctor that the script is about. */
const ROLES = ["roles", "grants", "owners", "rights", "schema"];
const Findings = z.array(z.object({ level: z.string(), subject: z.string(), found: z.string() }));

let server: OwnServer;
/** The address of the login as the first run printed it. */
let url: string;

beforeAll(async () => {
  if (!hasDebian) {
    return;
  }
  server = await startOwnServer("debian");
  const hba = await hbaFile();
  const rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
  writeFileSync(hba, rules + readFileSync(hba, "utf8"));
  await withClient(server.url, (client) => client.query("select pg_reload_conf()"));
  url = urlIn(await setUp());
  return async () => await server[Symbol.asyncDispose]();
});

/** Run the script as the superuser of the server; resolves to what it printed. */
async function setUp(words: readonly string[] = [], env: Record<string, string> = {}) {
  const { hostname: PGHOST, port: PGPORT } = new URL(server.url);
  const { stdout } = await promisify(execFile)(SCRIPT, words, {
    env: { PATH: process.env["PATH"], PGHOST, PGPORT, PGUSER: "postgres", ...env },
  });
  return stdout;
}

function urlIn(output: string): string {
  return /DATABASE_URL='([^']+)'/.exec(output)?.[1] ?? "";
}

async function hbaFile(): Promise<string> {
  return await withClient(server.url, async (client) => {
    const { rows } = await client.query<{ hba_file: string }>("show hba_file");
    return rows[0]?.hba_file ?? "";
  });
}

test.runIf(hasDebian)(
  "triaged migrates and finds nothing wrong by the printed address",
  async () => {
    const migrated = await runCli(["migrate"], {
      env: { DATABASE_URL: url, TRIAGED_ROLE_PREFIX: "" },
    });
    const doctor = await runCli(["doctor", "--json"], {
      env: { DATABASE_URL: url, TRIAGED_ROLE_PREFIX: "" },
    });

    expect(new URL(url).password).toMatch(/^[0-9a-f]{48}$/);
    expect(migrated).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("next: grant triaged_orchestrator_api to LOGIN"),
    });
    expect(migrated.stderr).not.toMatch(/create role|with admin option/);
    const found = Findings.parse(JSON.parse(doctor.stdout));
    expect(found.filter(({ level, subject }) => level !== "ok" && ROLES.includes(subject))).toEqual(
      [],
    );
  },
);

test.runIf(hasDebian)("the login has no rights on the server, and lets others in", async () => {
  await withClient(server.url, (client) => client.query("create role app login password 'app'"));
  const rights = await withClient(url, async (client) => {
    await client.query("grant triaged_orchestrator_api to app");
    const { rows } = await client.query(
      "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user",
    );
    return rows;
  });
  const asApp = url.replace(/orchestrator:[0-9a-f]+@/, "app:app@");
  const enqueued = withClient(asApp, (client) =>
    client.query("select * from triaged.enqueue_task('noop', '{}')"),
  );

  expect(rights).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
  await expect(enqueued).resolves.toMatchObject({ rows: [{ outcome: "created" }] });
});

test.runIf(hasDebian)("a second run makes nothing, and the password stays", async () => {
  const again = await setUp();

  expect(again).toContain("was there already, its password stays");
  expect(new URL(urlIn(again)).password).toBe("PASSWORD");
  await expect(withClient(url, (client) => client.query("select 1"))).resolves.toBeDefined();
});

test.runIf(hasDebian)(
  "another password is made when asked for, or taken and not printed",
  async () => {
    const renewed = urlIn(await setUp(["--new-password"]));
    const given = await setUp([], { SETUP_PASSWORD: "it's a given one" });

    expect(renewed).not.toBe(url);
    await expect(withClient(renewed, (client) => client.query("select 1"))).rejects.toThrow(
      "password authentication failed",
    );
    expect(given).not.toContain("given one");
    url = url.replace(/:[0-9a-f]{48}@/, `:${encodeURIComponent("it's a given one")}@`);
    await expect(withClient(url, (client) => client.query("select 1"))).resolves.toBeDefined();
  },
);

test.runIf(hasDebian)("a network is let in once, by TLS and password alone", async () => {
  await setUp(["--network", "10.1.0.0/16", "--max-connections", "50"]);
  const output = await setUp(["--network", "10.1.0.0/16", "--max-connections", "50"]);
  const lines = readFileSync(await hbaFile(), "utf8").split("\n");

  expect(lines.filter((line) => line.includes("10.1.0.0"))).toEqual([
    "hostssl orchestrator orchestrator 10.1.0.0/16 scram-sha-256",
  ]);
  expect(output).toContain("systemctl restart postgresql");
});

test.runIf(hasDebian)("names that would need quotes are refused", async () => {
  await expect(setUp([], { SETUP_DATABASE: "a; drop" })).rejects.toMatchObject({ code: 64 });
  await expect(setUp(["--help"])).rejects.toMatchObject({
    code: 64,
    stderr: expect.stringContaining("--new-password"),
  });
});
