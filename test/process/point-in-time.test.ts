// Goal: of a server that is killed under load, every task whose enqueue was acknowledged up to a
// moment comes back, once; and what came later does not.
// Method: the files of deploy/backup and the commands of docs/runbooks/restore.md themselves, with
// other paths, on a server of Debian's that archives by pgBackRest; workers and a producer that do
// not stop.

import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { chooseServerUser, type ServerUser } from "../../src/database/embedded/home.ts";
import { found, waitFor } from "../support/connections.ts";
import { migrate, ROLE_PREFIX, withClient } from "../support/databases.ts";
import { freePort, makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { BINARIES, makeHome, Server } from "../support/own-servers.ts";
import { runCli, startWorkerProcess } from "../support/processes.ts";
import { startSteadyProducer } from "../support/steady-producer.ts";
import { query } from "../support/tasks.ts";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..", "..");
const LAUNCHER = path.join(ROOT, "bin", "triaged.js");

const hasPgBackRest = ((): boolean => {
  try {
    execFileSync("pgbackrest", ["version"]);
    return true;
  } catch {
    return false;
  }
})();

/** A server that archives, with a base backup, and the environment of commands about it. */
async function startArchived() {
  const folder = await makeTemporaryFolder();
  const { user, home } = await makeHome(folder.path);
  const port = await freePort();
  const data = path.join(home, "main");
  const config = path.join(folder.path, "pgbackrest.conf");
  const repository = path.join(home, "repository");
  const there = (text: string) =>
    text
      .replaceAll("/var/lib/pgbackrest", repository)
      .replaceAll("/var/lib/postgresql/15/main", data)
      .replaceAll("/var/run/postgresql", home)
      .replaceAll("pg1-port=5432", `pg1-port=${port}\nlog-level-file=off\nlock-path=${home}`)
      .replaceAll("log-level-file=info\n", "")
      .replaceAll("pgbackrest --stanza", `pgbackrest --config=${config} --stanza`)
      // For the sake of the test's time: a segment leaves each second.
      .replaceAll("archive_timeout = 60s", "archive_timeout = 1s");
  await writeFile(config, there(shipped("pgbackrest.conf")));
  const server = new Server(data, port, user);
  await server.initialize({ unix_socket_directories: `'${home}'` });
  await writeFile(path.join(data, "postgresql.conf"), there(shipped("archive.conf")), {
    flag: "a",
  });
  await server.start();
  await asServerUser(user, ["--stanza=main", `--config=${config}`, "stanza-create"]);
  await asServerUser(user, ["--stanza=main", `--config=${config}`, "--type=full", "backup"]);
  return {
    server,
    data,
    there,
    env: {
      DATABASE_URL: server.url,
      PGBACKREST_CONFIG: config,
      PGBACKREST_STANZA: "main",
      LOG_LEVEL: "error",
      TRIAGED_ROLE_PREFIX: ROLE_PREFIX,
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop().catch(() => undefined);
      await folder.remove();
    },
  };
}
type Archived = Awaited<ReturnType<typeof startArchived>>;

async function asServerUser(user: ServerUser, args: readonly string[]): Promise<void> {
  await run("pgbackrest", [...args], { ...user, cwd: "/" });
}

function shipped(name: string): string {
  return readFileSync(path.join(ROOT, "deploy/backup", name), "utf8");
}

/** The shell commands of a chapter, by the words that their comment begins with. */
function readSteps(): ReadonlyMap<string, string> {
  const page = readFileSync(path.join(ROOT, "docs/runbooks/restore.md"), "utf8");
  return new Map(
    [...page.matchAll(/```sh\n# ([\w ]+?)(?::[^\n]*)?\n(.*?)```/gs)].map(
      ([, name = "", text = ""]) => [name, text],
    ),
  );
}

async function doStep(name: string, { there, data, env, server }: Archived, moment = "") {
  const text = there(found(readSteps().get(name)))
    .replaceAll("systemctl stop postgresql@15-main", "true")
    .replaceAll("systemctl start postgresql@15-main", "start_server");
  const { uid } = await chooseServerUser(data);
  const start = `${BINARIES}/pg_ctl start -w -D ${data} -l ${data}.log -o '-p ${server.port}'`;
  const script = [
    "set -e",
    // The doctor finds that the server does without fsync, which no operator's does.
    `triaged() { ${process.execPath} ${LAUNCHER} "$@" || [ "$1" = doctor ]; }`,
    uid === undefined
      ? `start_server() { ${start}; }`
      : `start_server() { su postgres -c "${start}"; }`,
    text,
  ].join("\n");
  return await run("/bin/bash", ["--norc", "-c", script], {
    env: { ...env, PATH: process.env["PATH"] ?? "", HOME: "/", LC_ALL: "C", MOMENT: moment },
    cwd: "/",
  });
}

/** The archive has what was written up to now. */
async function waitForArchive(server: Server): Promise<void> {
  const [row] = await server.ask("select pg_walfile_name(pg_current_wal_lsn()) as file");
  await waitFor(
    async () =>
      (
        await server.ask(
          `select from pg_stat_archiver where last_archived_wal collate "C" >= '${String(row?.["file"])}'`,
        )
      ).length > 0,
    { deadlineMs: 20_000 },
  );
}

const TEST_MS_MAX = 120_000;
test("every task that was acknowledged up to a moment comes back once, after a kill -9 under load", {
  timeout: TEST_MS_MAX,
}, async ({ skip }) => {
  skip(
    BINARIES === undefined || !hasPgBackRest,
    "needs PostgreSQL and pgBackRest of Debian: apt-get install postgresql pgbackrest",
  );
  await using archived = await startArchived();
  const { server, env, data } = archived;
  await migrate({ connectionString: server.url });
  await using producer = startSteadyProducer(server.url);
  let moment: string;
  let before: readonly string[];
  let after: readonly string[];
  {
    await using _worker = startWorkerProcess(server.url);
    await waitFor(
      async () =>
        (await server.ask("select from triaged.final_tasks where status = 'finished' limit 20"))
          .length === 20,
      { deadlineMs: 30_000 },
    );

    const drill = await runCli(["drill", "--from", "archive", "--json"], { env });
    expect(drill).toMatchObject({ code: 0 });
    expect(JSON.parse(drill.stdout)).toMatchObject({ ok: true, source: "archive" });

    before = [...producer.acknowledged()];
    const [row] = await server.ask(
      "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MSZ') as at",
    );
    moment = String(row?.["at"]);
    await producer.enqueueMore(20);
    // Those in the air at the moment are among the first of these.
    after = producer.acknowledged().slice(before.length + 10);
    await waitForArchive(server);
    await server.kill();
  }
  await producer.stop();

  for (const step of ["put aside", "restore", "start", "look"]) {
    await doStep(step, archived, moment);
  }

  await withClient(server.url, async (client) => {
    const tasks = await query<{ task_id: string }>(client, "select task_id from triaged.tasks");
    const ids = tasks.map((task) => task.task_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(before.filter((taskId) => !ids.includes(taskId))).toEqual([]);
    expect(after.filter((taskId) => ids.includes(taskId))).toEqual([]);
    {
      await using _worker = startWorkerProcess(server.url);
      await waitFor(
        async () =>
          (await query(client, "select from triaged.tasks where status <> 'finished'")).length ===
          0,
        { deadlineMs: 30_000 },
      );
    }
    expect(
      await query(
        client,
        `select task_id from triaged.task_history where event = 'finish'
         group by task_id having count(*) > 1`,
      ),
    ).toEqual([]);
  });
  expect((await runCli(["verify"], { env })).code).toBe(0);
  expect(await readFile(`${data}.log`, "utf8")).toContain("recovery stopping before commit");
});
