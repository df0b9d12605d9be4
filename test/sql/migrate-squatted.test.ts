// Goal: a migration behind a lock that somebody keeps ends, and says who it is; behind another
// migration it waits.

import { expect } from "vitest";
import { pidOf, emptyDatabaseTest as test, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { openStranger, squat } from "../support/hostile-role.ts";
import { query } from "../support/tasks.ts";

const WAIT_MS = 300;

test("a lock of the migrators that a stranger keeps ends a migration, with his name", async ({
  url,
  db,
}) => {
  await using stranger = await openStranger(url, { name: "triaged migrate" });
  await squat(stranger, ["migrate", 0]);

  const ends = migrate({ connectionString: url }, { lockWaitMs: WAIT_MS });

  await expect(ends).rejects.toMatchObject({
    name: "EnvironmentError",
    message:
      `the lock of the migrators is held by pid ${stranger.pid} ` +
      `(role ${stranger.role}, application 'triaged migrate'); waited 0.3 s`,
    hint: expect.stringContaining(`pg_terminate_backend(${stranger.pid})`),
    exitCode: 75,
  });
  expect(await query(db, "select to_regnamespace('triaged') as schema")).toEqual([
    { schema: null },
  ]);
});

test("a session of another kind is named too, whatever it may do", async ({ url, db }) => {
  await db.query("select pg_advisory_lock(hashtextextended('triaged.migrate', 0))");

  await expect(migrate({ connectionString: url }, { lockWaitMs: WAIT_MS })).rejects.toMatchObject({
    message: expect.stringContaining(`held by pid ${pidOf(db)} (role `),
    exitCode: 75,
  });
});

test("another migration is waited for", async ({ url, db }) => {
  await db.query("set application_name to 'triaged migrate'");
  await db.query("select pg_advisory_lock(hashtextextended('triaged.migrate', 0))");

  const ends = migrate({ connectionString: url }, { lockWaitMs: 50 });
  let waits = 0;
  await waitFor(async () => {
    const rows = await query(
      db,
      "select from pg_locks where locktype = 'advisory' and not granted",
    );
    waits += rows.length;
    return waits > 5;
  });
  await db.query("select pg_advisory_unlock_all()");

  await ends;
  expect(await query(db, "select to_regclass('triaged.live_tasks') is not null as made")).toEqual([
    { made: true },
  ]);
});

test("a lock of the partitions that a stranger keeps is not waited for again and again", async ({
  url,
}) => {
  await migrate({ connectionString: url });
  await using stranger = await openStranger(url);
  await squat(stranger, ["partition", 0]);

  await expect(migrate({ connectionString: url })).rejects.toMatchObject({
    name: "EnvironmentError",
    message: expect.stringContaining(`pid ${stranger.pid} (role ${stranger.role}`),
    hint: expect.stringContaining("pg_terminate_backend"),
    exitCode: 75,
  });
});
