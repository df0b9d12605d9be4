// Goal: a dump that is restored in whatever form becomes a whole queue by `triaged migrate`: with
// its roles, rights, functions, triggers, views, partitions and ids; and its audit holds.
// Method: the commands of docs/operating.md themselves, from a server of Debian into others that
// have never seen a queue; then the commands that the page names, and a real worker.

import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { found } from "../support/connections.ts";
import { makeDatabase, migrate, urlOf, withClient } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import {
  BINARIES,
  hasDebian,
  type Kind,
  type OwnServer,
  runTool,
  startOwnServer,
} from "../support/own-servers.ts";
import { runCli, runJson, startWorkerProcess } from "../support/processes.ts";
import {
  claim,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  settle,
  startTask,
  waitForStatus,
} from "../support/tasks.ts";

const TEST_MS_MAX = 120_000;

let source: OwnServer;
let old: string;

beforeAll(async () => {
  if (!hasDebian) {
    return;
  }
  source = await startOwnServer("debian");
  old = await makeQueue(source);
  return async () => await source[Symbol.asyncDispose]();
}, TEST_MS_MAX);

/** A queue that has lived for some days; resolves to its address. */
async function makeQueue(server: OwnServer): Promise<string> {
  const url = urlOf(server.url, await makeDatabase(server.url, "old"));
  await migrate({ connectionString: url });
  await withClient(url, async (client) => {
    for (const [day, outcome] of [
      ["interval '5 days'", "finish"],
      ["interval '2 days'", "fail"],
      ["interval '0'", "ask"],
    ]) {
      await client.query(
        `select set_config('triaged.fake_now', (clock_timestamp() - ${day})::text, false)`,
      );
      await client.query("select triaged.create_partitions()");
      const task = await startTask(client);
      await settle(client, [
        outcomeOf(task, outcome ?? "", { error: "no", prompt: "really?", result: { day } }),
      ]);
    }
    await client.query("reset triaged.fake_now");
    await enqueue(client, { payload: { waits: true }, run_at: "2090-01-01T00:00:00Z" });
    await enqueue(client);
    // Held by a worker when the dump is made.
    await claim(client);
    await enqueue(client, { dedupe_key: "kept", run_at: "2090-01-01T00:00:00Z" });
    await client.query(
      `insert into triaged.effects (task_id, kind, effect_key, payload, due_at, created_at)
       values (1, 'webhook', 'kept', '{}', triaged.now(), triaged.now())`,
    );
  });
  return url;
}

/** The shell commands of the page, by the word that their comment begins with. */
function readForms(): ReadonlyMap<string, string> {
  const page = readFileSync(
    path.join(import.meta.dirname, "..", "..", "docs", "operating.md"),
    "utf8",
  );
  const [chapter = ""] = (page.split("\n## Restore\n")[1] ?? "").split("\n## ", 1);
  return new Map(
    [...chapter.matchAll(/```sh\n# ([\w ]+?)(?::[^\n]*)?\n(.*?)```/gs)].map(
      ([, name = "", text = ""]) => [name, text],
    ),
  );
}

async function restore(form: string, to: string, change: (text: string) => string = (t) => t) {
  const folder = await makeTemporaryFolder();
  const text = change(found(readForms().get(form)));
  const where = `cd '${folder.path}'; export PATH='${BINARIES}':"$PATH" OLD='${old}' NEW='${to}'`;
  try {
    await runTool("/bin/bash", ["--norc", "-c", `set -eo pipefail; ${where}; ${text}`]);
  } finally {
    await folder.remove();
  }
}

type Sums = { tasks: string; history: string; waiting: string };

/** All rows of what matters, as one text each. */
async function sumsOf(url: string): Promise<Sums> {
  return await withClient(
    url,
    async (client) =>
      await queryOne<Sums>(
        client,
        `select
         (select md5(string_agg(t::text, ' ' order by task_id)) from (
           select task_id, status, attempt_count, payload, result, error, ended_at from triaged.tasks
         ) as t) as tasks,
         (select md5(string_agg(h::text, ' ' order by history_id)) from triaged.task_history as h)
           as history,
         (select md5(string_agg(e::text, ' ' order by effect_id)) from triaged.effects as e)
           as waiting`,
      ),
  );
}

/** The audit log, in its order; ids may be others where the new queue had some. */
async function auditOf(url: string): Promise<unknown[]> {
  return await withClient(url, (client) =>
    query(
      client,
      "select occurred_at, event_type, actor, details from triaged.audit_logs order by audit_id",
    ),
  );
}

type Found = { level: string; subject: string; found: string };

/** What the doctor finds, of each subject. One run: a start costs a second. */
async function doctor(url: string): Promise<(subject: string) => Found[]> {
  const { stdout } = await runCli(["doctor", "--json"], { env: { DATABASE_URL: url } });
  const findings: Found[] = JSON.parse(stdout);
  return (subject) => findings.filter((finding) => finding.subject === subject);
}

const IS_WELL = [expect.objectContaining({ level: "ok" })];

/** What must hold of a queue that was restored and migrated. */
async function expectWhole(url: string): Promise<void> {
  const findingsOf = await doctor(url);
  const looks = ["roles", "grants", "drift", "publications"].map((subject) => [
    subject,
    findingsOf(subject),
  ]);
  expect(looks).toEqual(looks.map(([subject]) => [subject, IS_WELL]));
  expect(await runJson(url, ["verify"])).toMatchObject({ ok: true });
  const again = await runJson(url, ["migrate"]);
  expect(again).toMatchObject({ applied: [], restored: [] });
  expect((await runCli(["migrate", "--status"], { env: { DATABASE_URL: url } })).code).toBe(0);
}

/** What was held is rescued once, its first attempt is fenced off, and no id is given twice. */
async function expectWorking(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const held = await queryOne<{ task_id: string; attempt_count: number }>(
      client,
      "select task_id, attempt_count from triaged.live_tasks where status = 'started'",
    );
    const known = await queryOne<{ newest: string }>(
      client,
      "select max(task_id) as newest from triaged.tasks",
    );
    {
      await using _worker = startWorkerProcess(url);
      await waitForStatus(client, held.task_id, "finished");
    }
    const late = { task_id: held.task_id, attempt: held.attempt_count, outcome: "finish" };
    expect(await settle(client, [late])).toEqual([]);
    const events = await query<{ event: string }>(
      client,
      `select event from triaged.task_history
       where task_id = $1 and attempt_count > 0 order by history_id`,
      [held.task_id],
    );
    expect(events.map(({ event }) => event)).toEqual(["claim", "rescue", "claim", "finish"]);
    expect(Number(await enqueue(client))).toBeGreaterThan(Number(known.newest));
  });
  expect(await runJson(url, ["verify"])).toMatchObject({ ok: true });
}

/** Nothing to warn of. */
const ROLES_TOLD = expect.stringMatching(/^roles .*\nnext: .*\n$/);
const FULL = [
  { form: "plain", target: "debian" },
  { form: "plain", target: "embedded" },
  { form: "parallel", target: "debian" },
  { form: "parallel", target: "embedded" },
  { form: "sections", target: "debian" },
  { form: "tables", target: "embedded" },
] satisfies { form: string; target: Kind }[];

test.skipIf(!hasDebian).for(FULL)(
  "a queue is whole again: $form, into $target",
  { timeout: TEST_MS_MAX },
  async ({ form, target }) => {
    await using server = await startOwnServer(target);
    const url = urlOf(server.url, await makeDatabase(server.url, "new"));
    const before = await sumsOf(old);

    await restore(form, url);
    const findingsOf = await doctor(url);
    expect(findingsOf("rights")).not.toContainEqual(expect.objectContaining({ level: "ok" }));
    expect(findingsOf("roles")).toEqual([expect.objectContaining({ level: "warning" })]);
    const done = await runCli(["migrate"], { env: { DATABASE_URL: url } });

    expect(done).toMatchObject({ code: 0, stderr: ROLES_TOLD });
    expect(done.stdout).toMatch(/^restored (?:schema|functions) missing: /m);
    expect(await sumsOf(url)).toEqual(before);
    await expectWhole(url);
    await expectWorking(url);
  },
);

test.skipIf(!hasDebian)(
  "a dump whose owners and grants fail is whole again",
  { timeout: TEST_MS_MAX },
  async () => {
    await using server = await startOwnServer("debian");
    const url = urlOf(server.url, await makeDatabase(server.url, "new"));
    const before = await sumsOf(old);

    await restore("whole", url);
    expect((await doctor(url))("roles")).not.toEqual(IS_WELL);
    expect((await runCli(["migrate"], { env: { DATABASE_URL: url } })).code).toBe(0);

    expect(await sumsOf(url)).toEqual(before);
    await expectWhole(url);
    await expectWorking(url);
  },
);

test.skipIf(!hasDebian)(
  "structure alone becomes an empty queue",
  { timeout: TEST_MS_MAX },
  async () => {
    await using server = await startOwnServer("embedded");
    const url = urlOf(server.url, await makeDatabase(server.url, "new"));

    await restore("structure", url);
    const done = await runCli(["migrate"], { env: { DATABASE_URL: url } });

    expect(done).toMatchObject({ code: 0, stderr: ROLES_TOLD });
    expect(done.stdout).toMatch(
      /^restored the record of the migrations, whose tables were there$/m,
    );
    await expectWhole(url);
    expect(await withClient(url, (client) => enqueue(client))).toBe("1");
  },
);

/** These name partitions, which a queue that is new has not of days that are over. */
const byPartition = (option: string) => (text: string) =>
  text.replace("--load-via-partition-root", option);

const DATA: readonly [what: string, change: (text: string) => string][] = [
  ["through the parents", (text) => text],
  ["as statements", byPartition("--inserts")],
  ["as statements with columns", byPartition("--column-inserts")],
  ["without triggers", byPartition("--disable-triggers --superuser=postgres")],
];

test.skipIf(!hasDebian).for(DATA)(
  "data alone makes no history: %s",
  { timeout: TEST_MS_MAX },
  async ([, change]) => {
    await using server = await startOwnServer("debian");
    const url = urlOf(server.url, await makeDatabase(server.url, "new"));
    await migrate({ connectionString: url });
    const before = await sumsOf(old);
    if (change("--load-via-partition-root") !== "--load-via-partition-root") {
      await withClient(url, (client) =>
        client.query(`select triaged.create_partition(parent, current_date - ago)
        from (values ('final_tasks'), ('task_history')) as both_of (parent), generate_series(1, 6) as ago`),
      );
    }

    if (change("--load-via-partition-root").startsWith("--disable-triggers")) {
      await withClient(url, (client) =>
        client.query(`set session_replication_role to replica;
          delete from triaged.queue_settings;
          delete from triaged.audit_known;
          delete from triaged.audit_logs`),
      );
    }

    await restore("data", url, change);

    expect(await sumsOf(url)).toEqual(before);
    expect(await auditOf(url)).toEqual(expect.arrayContaining(await auditOf(old)));
    const done = await runCli(["migrate"], { env: { DATABASE_URL: url } });
    expect(done).toMatchObject({ code: 0, stderr: ROLES_TOLD });
    expect(await sumsOf(url)).toEqual(before);
    expect(
      await withClient(url, (client) =>
        query(client, "select from triaged.task_history_default limit 1"),
      ),
    ).toEqual([]);
    await expectWhole(url);
    await expectWorking(url);
  },
);

test.skipIf(!hasDebian)(
  "a row that a hand puts into a table is in the audit",
  { timeout: TEST_MS_MAX },
  async () => {
    const url = await makeQueue(source);
    await withClient(url, async (client) => {
      const insert = `insert into triaged.live_tasks
      (task_id, task_type, payload, run_at, created_at) overriding system value
      values (4711, 'noop', '{}', now(), now())`;
      await client.query(insert);
      expect(
        await query(client, "select event from triaged.task_history where task_id = 4711"),
      ).toEqual([{ event: "manual" }]);

      // In the guise of a dump, without the history that one brings.
      await client.query("set check_function_bodies to off; set row_security to off");
      await client.query(insert.replace("4711", "4712"));
    });
    const report = await runCli(["verify", "--json"], { env: { DATABASE_URL: url } });
    expect(report.code).toBe(1);
    expect(JSON.parse(report.stdout)).toMatchObject({
      violations: expect.arrayContaining([
        expect.objectContaining({ check: "task_was_enqueued", task_id: 4712 }),
      ]),
    });
  },
);

test.skipIf(!hasDebian)(
  "another owner restores, with nothing but his own rights",
  {
    timeout: TEST_MS_MAX,
  },
  async () => {
    await using server = await startOwnServer("debian");
    const url = urlOf(server.url, await makeDatabase(server.url, "new"));
    await withClient(url, (client) =>
      client.query(`create role bob login createrole;
      grant create on database ${new URL(url).pathname.slice(1)} to bob`),
    );
    const bob = new URL(url);
    bob.username = "bob";

    await restore("plain", bob.href);
    expect(await runCli(["migrate"], { env: { DATABASE_URL: bob.href } })).toMatchObject({
      code: 0,
    });

    await expectWhole(bob.href);
    await expectWorking(bob.href);
  },
);

test.skipIf(!hasDebian)("a copy by template is whole", { timeout: TEST_MS_MAX }, async () => {
  const name = `${new URL(old).pathname.slice(1)}_copy`;
  await withClient(source.url, (client) =>
    client.query(`create database ${name} template ${new URL(old).pathname.slice(1)}`),
  );

  expect(await sumsOf(urlOf(source.url, name))).toEqual(await sumsOf(old));
  await expectWhole(urlOf(source.url, name));
  await expectWorking(urlOf(source.url, name));
});

const HALVES: readonly [what: string, change: (text: string) => string, told: RegExp][] = [
  [
    "indexes",
    (text) => text.replace("pg_dump ", "pg_dump --section=pre-data --section=data "),
    /lacks .*keys: .*_pkey/,
  ],
  [
    "a table",
    (text) => text.replace("pg_dump ", "pg_dump --exclude-table=triaged.push_configs "),
    /lacks .*tables: push_configs/,
  ],
];

test.skipIf(!hasDebian).for(HALVES)(
  "a dump without %s is refused in a sentence",
  { timeout: TEST_MS_MAX },
  async ([, change, told]) => {
    const url = urlOf(source.url, await makeDatabase(source.url, "half"));
    await restore("plain", url, (text) => change(text).replace("--set=ON_ERROR_STOP=1", ""));

    const done = await runCli(["migrate"], { env: { DATABASE_URL: url } });

    expect(done.code).toBe(78);
    expect(done.stderr).toMatch(told);
    expect(done.stderr).toContain("post-data");
  },
);

test.skipIf(!hasDebian)(
  "sequences that came without their place are set behind the rows",
  {
    timeout: TEST_MS_MAX,
  },
  async () => {
    const url = await makeQueue(source);
    await withClient(url, async (client) => {
      await client.query(`select setval(pg_get_serial_sequence('triaged.' || name, id), 1, false)
      from (values ('live_tasks', 'task_id'), ('task_history', 'history_id'),
        ('workers', 'worker_id'), ('effects', 'effect_id')) as ours (name, id)`);
      const done = await runCli(["migrate"], { env: { DATABASE_URL: url } });

      expect(done.stdout.match(/^restored sequence of [\w.]+: set to [1-9]\d*$/gm)).toHaveLength(4);
      await enqueue(client);
      const twice = await query(
        client,
        "select history_id from triaged.task_history group by 1 having count(*) > 1",
      );
      expect(twice).toEqual([]);
    });
  },
);

test.skipIf(!hasDebian)(
  "a merge that another server began is given up, and started anew",
  {
    timeout: TEST_MS_MAX,
  },
  async () => {
    const url = await makeQueue(source);
    await withClient(url, async (client) => {
      await client.query(`
      create table triaged.final_tasks_rewrite (
        like triaged.final_tasks including defaults including constraints including indexes
      ) partition by range (ended_at);
      insert into triaged.partition_rewrites (table_name, sources, copied_by, started_at)
      values ('final_tasks', '{final_tasks_default}', '999999999', now())`);

      expect(await query(client, "select step from triaged.merge_partitions()")).toEqual([
        { step: "gave up" },
      ]);
      expect(await query(client, "select from triaged.partition_rewrites")).toEqual([]);
    });
  },
);
