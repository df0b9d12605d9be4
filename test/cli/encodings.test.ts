// Goal: a database that cannot store every text is refused before anything is made in it, by all
// that would work in it, in one sentence; and locales of any kind make no difference.
// Method: databases of encodings and locales that PostgreSQL has on every platform.

import { expect, inject, test } from "vitest";
import { driftProbe } from "../../src/doctor/schema.ts";
import { dropDatabase, makeDatabase, migrate, urlOf, withClient } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";
import { drain, runCli } from "../support/processes.ts";
import { enqueue, query, queryOne } from "../support/tasks.ts";

async function withDatabase<Result>(
  options: string,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "locale", `template0 ${options}`);
  try {
    return await work(urlOf(serverUrl, name));
  } finally {
    await dropDatabase(serverUrl, name);
  }
}

const ENCODINGS = ["SQL_ASCII", "LATIN1", "LATIN9", "WIN1252", "KOI8R", "EUC_JP"] as const;
const COMMANDS = [
  ["migrate"],
  ["work", "--drain"],
  ["jobs"],
  ["jobs", "--once"],
  ["up"],
  ["list"],
  ["enqueue", "noop"],
] as const;

test.for(ENCODINGS)("a database of %s is refused by migrate, and stays empty", async (encoding) => {
  await withDatabase(`encoding '${encoding}' locale 'C'`, async (url) => {
    const { code, stderr } = await runCli(["migrate"], { env: { DATABASE_URL: url } });

    expect(code).toBe(78);
    expect(stderr).toContain(`the database stores text as ${encoding}; triaged needs UTF8`);
    expect(stderr).toContain("encoding 'UTF8' template template0");
    const schemas = await withClient(url, (client) =>
      query(client, "select from pg_namespace where nspname in ('triaged', 'graphile_worker')"),
    );
    expect(schemas).toEqual([]);
  });
});

test("commands refuse to work in such a database, and the doctor says so", {
  timeout: 60_000,
}, async () => {
  await withDatabase("encoding 'LATIN1' locale 'C'", async (url) => {
    for (const words of COMMANDS) {
      const { code, stderr } = await runCli(words, { env: { DATABASE_URL: url } });
      expect({ words, code }).toEqual({ words, code: 78 });
      expect(stderr).toContain("the database stores text as LATIN1");
    }
    const { code, stdout } = await runCli(["doctor", "--json"], { env: { DATABASE_URL: url } });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({
        level: "error",
        subject: "schema",
        found: expect.stringContaining("LATIN1"),
      }),
    ]);
  });
});

const LOCALES = [
  "locale 'C'",
  "locale_provider icu icu_locale 'tr-TR' locale 'C'",
  "locale_provider icu icu_locale 'de-DE-u-co-phonebk' locale 'C'",
  "locale_provider icu icu_locale 'und-u-ks-level1' locale 'C'",
] as const;

test.for(LOCALES)("a queue works in a database of %s", { timeout: 60_000 }, async (locale) => {
  await withDatabase(`encoding 'UTF8' ${locale}`, async (url) => {
    await migrate({ connectionString: url });

    expect(await findingsOf(url, driftProbe)).toMatchObject([{ level: "ok" }]);
    await withClient(url, async (client) => {
      for (const queue of ["default", "İstanbul", "istanbul", "ISTANBUL", "ıstanbul"]) {
        await enqueue(client, { queue, payload: { text: "it costs 💶" } });
      }
      const told = async (statement: string) => await client.query(statement).catch((err) => err);
      expect(await told("delete from triaged.live_tasks")).toMatchObject({
        message: "delete on live_tasks is refused",
      });
      expect(await told("truncate triaged.live_tasks")).toMatchObject({
        message: "truncate on live_tasks is refused",
      });
      await client.query("select set_config('triaged.actor', 'TRIAGED', false)");
      expect(
        await told(
          'select * from triaged.enqueue_tasks(\'[{"task_type": "noop", "payload": {}}]\')',
        ),
      ).toMatchObject({
        message: expect.stringContaining("begins with triaged"),
      });
      await client.query("reset triaged.actor");
    });
    await drain(url, { queue: "default,İstanbul,istanbul,ISTANBUL,ıstanbul" });
    await withClient(url, async (client) => {
      expect(
        await queryOne(client, "select count(*) from triaged.tasks where status = 'finished'"),
      ).toEqual({ count: "5" });
    });
    expect((await runCli(["verify"], { env: { DATABASE_URL: url } })).code).toBe(0);
  });
});
