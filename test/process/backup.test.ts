// Goal: a dump of `triaged backup` is whole or not there, comes back by `triaged restore` with
// every row that it shows, and `triaged drill` proves that beside the running queue. Method: the
// commands themselves, on a server of Debian's, whose pg_dump is theirs.

import { execFile } from "node:child_process";
import { chmod, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { backupJob } from "../../src/jobs/backup-job.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { makeDatabase, migrate, urlOf, withClient } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { BINARIES, hasDebian, type OwnServer, startOwnServer } from "../support/own-servers.ts";
import { runCli, startWorkerProcess } from "../support/processes.ts";
import { startSteadyProducer } from "../support/steady-producer.ts";
import {
  enqueue,
  outcomeOf,
  query,
  queryOne,
  settle,
  startTask,
  waitForStatus,
} from "../support/tasks.ts";

const run = promisify(execFile);

let server: OwnServer;
let template: string;
let folder: { path: string; remove: () => Promise<void> };

beforeAll(async () => {
  if (!hasDebian) {
    return;
  }
  server = await startOwnServer("debian");
  template = await makeTemplate();
  return async () => await server[Symbol.asyncDispose]();
});

beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(async () => await folder.remove());

/** A copy of the template; resolves to its address. */
async function makeQueue(): Promise<string> {
  return urlOf(server.url, await makeDatabase(server.url, "backup", template));
}

/** A queue with some rows; resolves to the name of its database. */
async function makeTemplate(): Promise<string> {
  const name = await makeDatabase(server.url, "template");
  const url = urlOf(server.url, name);
  await migrate({ connectionString: url });
  await withClient(url, async (client) => {
    await enqueue(client, { payload: { word: "grüße" } });
    await enqueue(client, { run_at: "2090-01-01T00:00:00Z" });
  });
  return name;
}

async function emptyDatabase(): Promise<string> {
  return urlOf(server.url, await makeDatabase(server.url, "restored"));
}

async function backup(url: string, env: Record<string, string> = {}) {
  return await runCli(["backup", "--json"], {
    env: { DATABASE_URL: url, BACKUP_DIR: path.join(folder.path, "dumps"), ...env },
  });
}

async function dumps(): Promise<string[]> {
  return (await readdir(path.join(folder.path, "dumps"))).toSorted();
}

/** Write a script that a shell runs; resolves to its path. */
async function script(name: string, text: string): Promise<string> {
  const file = path.join(folder.path, name);
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

/** What the audit log of a queue has of some events. */
async function audited(url: string, like: string) {
  return await withClient(url, (client) =>
    query(
      client,
      "select event_type, severity from triaged.audit_logs where event_type like $1 order by audit_id",
      [like],
    ),
  );
}

test.skipIf(!hasDebian)(
  "a dump that is made under load comes back with each row of its moment",
  async () => {
    const url = await makeQueue();
    const withPassword = url.replace("postgres@", "postgres:s3cret@");
    // What the programs are called with, which each user of the machine may read.
    const log = path.join(folder.path, "calls");
    for (const program of ["pg_dump", "pg_restore"]) {
      await script(program, `echo "$*" >> ${log}\nexec ${BINARIES}/${program} "$@"`);
    }
    const env = { PG_BIN_DIR: folder.path };
    await using producer = startSteadyProducer(url);
    await producer.enqueueMore(20);
    const before = [...producer.acknowledged()];

    const made = await backup(withPassword, env);

    expect(made).toMatchObject({ code: 0, stderr: "" });
    const { file, counts } = JSON.parse(made.stdout);
    await producer.enqueueMore(5);
    await producer.stop();
    await run("sha256sum", ["--check", "--strict", `${path.basename(file)}.sha256`], {
      cwd: path.dirname(file),
    });
    const into = await emptyDatabase();
    const restored = await runCli(
      ["restore", file, "--into", into.replace("@", ":s3cret@"), "--json"],
      {
        env,
      },
    );
    expect(restored.code).toBe(0);
    expect(JSON.parse(restored.stdout)).toMatchObject({ ok: true, counts, differences: [] });
    expect(await readFile(log, "utf8")).not.toContain("s3cret");
    await withClient(into, async (client) => {
      const rows = await query<{ task_id: string }>(client, "select task_id from triaged.tasks");
      expect(rows.map((row) => row.task_id)).toEqual(expect.arrayContaining(before));
      await using _worker = startWorkerProcess(into);
      await waitForStatus(client, before[0] ?? "", "finished");
    });
  },
);

test.skipIf(!hasDebian)("a dump that fails leaves nothing, and says why", async () => {
  const url = await makeQueue();
  await withClient(url, (client) =>
    client.query(`do $$ begin create role stranger login; exception when duplicate_object then end $$;
      grant usage on schema triaged, triaged_compat to stranger;
      grant select on triaged.live_tasks, triaged.final_tasks, triaged.task_history,
        triaged.schema_migrations to stranger`),
  );

  const refused = await backup(url.replace("postgres@", "stranger@"));
  expect(refused.code).toBe(78);
  expect(refused.stderr).toMatch(
    /error: pg_dump exited with 1: .*permission denied[^]*hint: .*role that owns/,
  );
  expect(await dumps()).toEqual([]);

  await script(
    "pg_dump",
    `case "$1" in --version) echo "pg_dump (PostgreSQL) 15.1";; *) exit 3;; esac`,
  );
  const failed = await backup(url, { PG_BIN_DIR: folder.path });
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("exited with 3") });
  expect(await dumps()).toEqual([]);
  // The stranger may not write to the audit log either.
  expect(await audited(url, "backup.%")).toMatchObject([
    { event_type: "backup.failed", severity: "error" },
  ]);
});

test.skipIf(!hasDebian)("--once makes the dump that is due, and none after it", async () => {
  const url = await makeQueue();
  const env = { DATABASE_URL: url, BACKUP_DIR: path.join(folder.path, "once") };
  const once = async () => {
    const { stdout } = await runCli(["jobs", "--once", "--json"], { env });
    return JSON.parse(stdout).find(({ job }: { job: string }) => job === "backup");
  };

  expect(await once()).toMatchObject({ changes: 1, file: expect.stringMatching(/dump$/) });
  expect(await once()).toMatchObject({ changes: 0, notDueSince: expect.any(String) });
  expect(await audited(url, "backup.%")).toMatchObject([{ event_type: "backup.made" }]);
});

test.skipIf(!hasDebian)("one backup of a queue runs at a time", async () => {
  const url = await makeQueue();
  await withClient(url, async (client) => {
    await client.query("select pg_advisory_lock(hashtextextended('triaged.backup triaged', 0))");

    const refused = await backup(url);

    expect(refused).toMatchObject({
      code: 75,
      stderr: expect.stringContaining("another backup of schema triaged runs"),
    });
  });
  expect((await backup(url)).code).toBe(0);
});

test.skipIf(!hasDebian)(
  "each file of a dump is given to the upload command, without a shell and without secrets",
  async () => {
    const url = await makeQueue();
    const sent = path.join(folder.path, "sent");
    const upload = await script("upload", `echo "$@" >> ${sent}; env >> ${sent}.env`);

    const made = await backup(url.replace("postgres@", "postgres:s3cret@"), {
      BACKUP_UPLOAD_COMMAND: `${upload} --to {} there`,
      GITHUB_TOKEN: "gh-s3cret",
    });

    const { file, uploaded } = JSON.parse(made.stdout);
    expect(uploaded).toBe(true);
    const base = file.replace(/\.dump$/, "");
    expect((await readFile(sent, "utf8")).trim().split("\n")).toEqual(
      [`${base}.dump`, `${base}.dump.sha256`, `${base}.json`].map((name) => `--to ${name} there`),
    );
    expect(await readFile(`${sent}.env`, "utf8")).not.toContain("s3cret");
  },
);

test.skipIf(!hasDebian)(
  "a job whose upload failed sends the dump that is there, in place of another",
  async () => {
    const url = await makeQueue();
    const database = parseDatabaseUrl(url);
    const dir = path.join(folder.path, "dumps");
    const job = (uploadCommand: readonly string[]) =>
      backupJob({
        database,
        schema: "triaged",
        folder: dir,
        config: { folder: dir, retentionDays: 30, uploadCommand, programsFolder: null },
      });
    const context = {
      db: { schema: "triaged", query: () => Promise.reject(new Error("not asked")) },
      isOnce: false,
      isByHand: false,
      deliver: () => Promise.resolve(),
      signal: new AbortController().signal,
    };

    await expect(job([path.join(folder.path, "nowhere")]).run(context)).rejects.toThrow(
      /is made, but not sent/,
    );
    const [first] = await dumps();
    const done = await job(["/bin/true"]).run(context);

    expect(done.detail["file"]).toBe(path.join(dir, first ?? ""));
    expect(done.detail["uploaded"]).toBe("true");
    // The cron of the system has a line of its own for it.
    expect(await job(["/bin/true"]).run({ ...context, isOnce: true })).toMatchObject({
      changes: 0,
    });
  },
);

test.skipIf(!hasDebian)(
  "a database with something in it is replaced by its name alone, and keeps it",
  async () => {
    const url = await makeQueue();
    const { file } = JSON.parse((await backup(url)).stdout);
    const name = new URL(url).pathname.slice(1);
    const restore = async (...more: string[]) =>
      await runCli(["restore", file, "--into", url, ...more]);
    await withClient(url, async (client) => {
      await settle(client, [outcomeOf(await startTask(client), "finish", { result: null })]);

      expect(await restore()).toMatchObject({
        code: 78,
        stderr: expect.stringContaining(`say --replace ${name}`),
      });
      expect((await restore("--replace", "another")).code).toBe(64);
      {
        await using worker = startWorkerProcess(url);
        await expect
          .poll(() => worker.log().some(({ msg }) => msg === "worker started"))
          .toBe(true);
        expect(await restore("--replace", name)).toMatchObject({
          code: 75,
          stderr: expect.stringContaining("others are connected"),
        });
      }
      await expect
        .poll(() =>
          query(client, "select from pg_stat_activity where application_name like 'triaged %'"),
        )
        .toEqual([]);

      expect((await restore("--replace", name)).code).toBe(0);
      const finished = "select count(*)::int as tasks from %.final_tasks";
      expect(await queryOne(client, finished.replace("%", "triaged"))).toEqual({ tasks: 0 });
      const { nspname } = await queryOne<{ nspname: string }>(
        client,
        "select nspname from pg_namespace where nspname like 'triaged_before%'",
      );
      // The worker may have finished the other one.
      expect(await queryOne(client, finished.replace("%", nspname))).not.toEqual({ tasks: 0 });
      expect(await audited(url, "restore.%")).toMatchObject([
        { event_type: "restore.performed", severity: "critical" },
      ]);
    });
  },
);

test.skipIf(!hasDebian)("a restore that fails gives the queue back that was there", async () => {
  const url = await makeQueue();
  const { file } = JSON.parse((await backup(url)).stdout);
  const name = new URL(url).pathname.slice(1);
  const half = path.join(folder.path, "half.dump");
  const bytes = await readFile(file);
  await writeFile(half, bytes.subarray(0, bytes.length / 2));

  const failed = await runCli(["restore", half, "--into", url, "--replace", name]);
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("pg_restore exited") });
  await withClient(url, async (client) => {
    expect(await query(client, "select from triaged.tasks")).toHaveLength(2);
    expect(await query(client, "select from pg_namespace where nspname like '%before%'")).toEqual(
      [],
    );
  });

  await truncate(file, 1_000);
  const known = await runCli(["restore", file, "--into", await emptyDatabase()]);
  expect(known).toMatchObject({ code: 78, stderr: expect.stringContaining("when it was made") });
  const seen = await runCli(["backup", "verify", "--to", path.dirname(file), "--json"]);
  expect(seen.code).toBe(1);
  expect(JSON.parse(seen.stdout)).toMatchObject([{ file, ok: false }]);
});

test.skipIf(!hasDebian)(
  "a drill measures what would be lost and how long it took, and leaves nothing",
  async () => {
    const url = await makeQueue();
    await backup(url);
    await withClient(url, (client) => enqueue(client));
    const env = { DATABASE_URL: url, BACKUP_DIR: path.join(folder.path, "dumps") };
    const roles = "select rolname from pg_roles order by 1";
    const before = await withClient(url, (client) => query(client, roles));

    const drill = await runCli(["drill", "--json"], { env });

    expect(drill.code).toBe(0);
    const report = JSON.parse(drill.stdout);
    expect(report).toMatchObject({ ok: true, source: "dump", history_rows_lost: 1, late: [] });
    expect(report.rpo_seconds).toBeGreaterThan(0);
    expect(report.rto_seconds).toBeGreaterThanOrEqual(report.seconds.restore);
    expect((await runCli(["drill", "--rto", "1ms"], { env })).code).toBe(1);
    expect(await audited(url, "drill.%")).toMatchObject([
      { event_type: "drill.performed", severity: "info" },
      { event_type: "drill.failed", severity: "error" },
    ]);
    await withClient(url, async (client) => {
      expect(
        await query(client, "select from pg_database where datname like 'triaged_drill%'"),
      ).toEqual([]);
      expect(await query(client, roles)).toEqual(before);
    });
  },
);
