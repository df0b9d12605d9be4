// Goal: numbers that JavaScript would round, and times that its clock would get wrong, go through
// commands, notifications and the client as they came.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { createClient } from "../../src/index.ts";
import { test } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli, runJson, startWorkerProcess } from "../support/processes.ts";
import { query, queryOne, startTask } from "../support/tasks.ts";

const LONG = "9007199254740993";
const DECIMAL = "0.12345678901234567890123";

async function run(url: string, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...words], { env: { DATABASE_URL: url } });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

test("enqueue and show leave numbers alone", async ({ url, connect }) => {
  const db = await connect();
  const payload = `{"id": ${LONG}, "share": ${DECIMAL}, "list": [-${LONG}]}`;

  await run(url, ["enqueue", "noop", payload]);

  expect(
    await query(db, "select payload = $1::jsonb as same from triaged.tasks", [payload]),
  ).toEqual([{ same: true }]);
  for (const words of [
    ["show", "1"],
    ["show", "1", "--json"],
  ]) {
    const shown = await run(url, words);
    expect(shown).toContain(LONG);
    expect(shown).toContain(`-${LONG}`);
    expect(shown).toContain(DECIMAL);
  }
});

test("a decision and a result leave numbers alone", async ({ url, connect }) => {
  const db = await connect();
  const asked = await startTask(db);
  await db.query("select triaged.settle_tasks($1)", [
    `[{"task_id": ${asked.task_id}, "attempt": 1, "outcome": "ask", "prompt": "?",
       "result": {"id": ${LONG}}}]`,
  ]);

  await run(url, ["decide", asked.task_id, `{"id": ${LONG}}`]);

  expect(await queryOne(db, "select decision::text from triaged.tasks")).toEqual({
    decision: `{"id": ${LONG}}`,
  });
  const shown = await run(url, ["show", asked.task_id, "--json"]);
  expect(shown.match(new RegExp(LONG, "g"))).toHaveLength(2);
});

test("relationships leave numbers alone, down to the tasks of the dependents", async ({
  url,
  connect,
}) => {
  const db = await connect();
  const file = path.join((await makeTemporaryFolder()).path, "relationships.json");
  await writeFile(
    file,
    `{"relationships": {"a/b": {"project": ${LONG},
       "consumers": [{"repo": "c/d", "relationship_type": "api_consumer", "ticket": ${LONG}}]}},
     "notification_settings": {"default_urgency_thresholds": {}, "channel": ${LONG}}}`,
  );

  await run(url, ["relationships", "import", file]);

  const exported = await run(url, ["relationships", "export"]);
  expect(exported.match(new RegExp(LONG, "g"))).toHaveLength(3);
  expect(await run(url, ["relationships", "list", "--json"])).toContain(LONG);
  const event = `{"source_repo": "a/b", "commit_sha": "1", "commit_message": "m", "branch": "main"}`;
  await using _worker = startWorkerProcess(url, { tasks: "tasks" });
  await run(url, ["notify", event, "--wait"]);
  expect(
    await query(
      db,
      `select payload #>> '{relationship_config,ticket}' as ticket from triaged.tasks
       where task_type = 'consumer_triage'`,
    ),
  ).toEqual([{ ticket: LONG }]);
});

test("notify leaves numbers alone, down to the tasks of the dependents", async ({
  url,
  connect,
}) => {
  const db = await connect();
  await db.query("select triaged.save_relationship('a/b', 'c/d', 'api_consumer')");
  const event = `{"source_repo": "a/b", "commit_sha": "1", "commit_message": "m", "branch": "main",
    "delivery": ${LONG}}`;
  await using _worker = startWorkerProcess(url, { tasks: "tasks" });

  await run(url, ["notify", event, "--wait"]);

  const rows = await query(
    db,
    `select task_type, payload #>> '{change_event,delivery}' as delivery from triaged.tasks
     order by task_id`,
  );
  expect(rows).toEqual([
    { task_type: "change_notification", delivery: LONG },
    { task_type: "consumer_triage", delivery: LONG },
  ]);
});

test("the client sends and gives bigints", async ({ url }) => {
  const client = createClient({ connectionString: url });
  const { taskId } = await client.enqueue("noop", { id: BigInt(LONG), small: 1 });
  const [many] = await client.enqueueMany([
    { taskType: "noop", payload: { id: BigInt(LONG) }, metadata: { id: BigInt(LONG) } },
  ]);

  expect((await client.get(taskId))?.payload).toEqual({ id: BigInt(LONG), small: 1 });
  expect(await client.get(many?.taskId ?? "")).toMatchObject({
    payload: { id: BigInt(LONG) },
    metadata: { id: BigInt(LONG) },
  });
  await client.close();
});

test("ids beyond 2^53 are taken and given digit by digit", async ({ url, connect }) => {
  const db = await connect();
  await db.query(
    "alter table triaged.live_tasks alter column task_id restart with 9007199254740993",
  );

  const enqueued = await runJson(url, ["enqueue", "noop"]);
  const id = JSON.stringify(enqueued).match(/\d{16}/)?.[0] ?? "";

  expect(id).toBe(LONG);
  expect(await run(url, ["show", id])).toContain(id);
  expect(await run(url, ["list", "--json"])).toContain(id);
  expect(await run(url, ["history", id, "--json"])).toContain(id);
  expect(await run(url, ["cancel", id])).toContain(id);
});

test("--run-at +10m is counted by the clock of the database", async ({ url, connect }) => {
  const db = await connect();
  const { name } = await queryOne<{ name: string }>(db, "select current_database() as name");
  await db.query(`alter database ${name} set triaged.fake_now to '2031-01-01 00:00Z'`);

  await run(url, ["enqueue", "noop", "--run-at", "+10m"]);

  expect(await query(db, "select run_at from triaged.tasks")).toEqual([
    { run_at: new Date("2031-01-01T00:10:00Z") },
  ]);
});
