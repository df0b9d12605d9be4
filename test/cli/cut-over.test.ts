// Goal: while tasks are in an older store and here, callers never suffer from us, nothing runs
// twice, one task is read from one store, and differences are told.
// Method: the program of docs/moving.md as it stands there, with a store of files, and a worker.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { compareStores } from "../../src/client/compare-stores.ts";
import { createClient, dualWrite, type OlderStore, type StoreTask } from "../../src/index.ts";
import { test as base } from "../support/connections.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { runCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

const ROOT = path.join(import.meta.dirname, "../..");

const test = base.extend<{ folder: string; program: string }>({
  folder: lendFolder,
  /** The folder of the program that the page shows. */
  program: async ({ folder }, use) => {
    const page = readFileSync(path.join(ROOT, "docs/moving.md"), "utf8");
    const entry = pathToFileURL(path.join(ROOT, "src/index.ts")).href;
    mkdirSync(path.join(folder, "tasks"));
    for (const [, name = "", code = ""] of page.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)) {
      writeFileSync(path.join(folder, name), code.replaceAll('"triaged"', JSON.stringify(entry)));
    }
    writeFileSync(path.join(folder, "older-store.ts"), OLDER_STORE);
    await use(folder);
  },
});

/** One file for all tasks, beside the module. */
const OLDER_STORE = `
import { existsSync, readFileSync, writeFileSync } from "node:fs";
const file = new URL("tasks.json", import.meta.url);
const read = (): Record<string, any> =>
  existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
export const tasks = {
  save: async (task: any) => writeFileSync(file, JSON.stringify({ ...read(), [task.id]: task })),
  load: async (id: string) => read()[id] ?? null,
  update: async (id: string, change: any) =>
    writeFileSync(file, JSON.stringify({ ...read(), [id]: { ...read()[id], ...change } })),
  ids: () => Object.keys(read()),
};
`;

/** A store in memory, and the tasks that it has. */
function olderStore(): OlderStore & { readonly tasks: Map<string, StoreTask> } {
  const tasks = new Map<string, StoreTask>();
  return {
    tasks,
    create: ({ id = `t-${tasks.size}`, taskType, payload }) => {
      const rest = { status: "pending", result: null, error: null, endedAt: null };
      tasks.set(id, { id, taskType, payload, ...rest });
      return Promise.resolve(id);
    },
    get: (id) => Promise.resolve(tasks.get(id) ?? null),
    cancel: () => Promise.resolve(),
    ids: () => tasks.keys(),
  };
}

function silent() {
  const told: string[] = [];
  return { told, logger: { error: (_: unknown, text?: string) => void told.push(text ?? "") } };
}

test("tasks in both stores end here as they ended there, run by nobody, and a comparison is content", async ({
  url,
  client,
  program,
}) => {
  const env = {
    DATABASE_URL: url,
    DUAL_WRITE_MODE: "true",
    READ_FROM_POSTGRES_PERCENT: "100",
  };
  const made = await runProgram(
    program,
    env,
    `
    for (const id of ["7", "b", "c", "waits"]) await store.create({ id, taskType: "send_mail", payload: { to: id } });
    const ended = { completed_at: new Date().toISOString() };
    await tasks.update("7", { status: "completed", output: { sent: 1 }, ...ended });
    await tasks.update("b", { status: "failed", error: "no such box", ...ended });
    await tasks.update("c", { status: "cancelled", ...ended });
    await store.client.enqueue("compare_stores", {}, { priority: "low" });
  `,
  );
  expect(made).toMatchObject({ code: 0, stderr: "" });

  const worked = await runCli(["work", "--drain", "--tasks", path.join(program, "tasks")], { env });

  expect(worked.code).toBe(0);
  expect(
    await query(
      client,
      "select given_id, status, result, error from triaged.tasks where task_type = 'send_mail' order by payload ->> 'to'",
    ),
  ).toMatchObject([
    { given_id: "file:7", status: "finished", result: { sent: 1 } },
    { given_id: "b", status: "failed", error: expect.stringContaining("no such box") },
    { given_id: "c", status: "cancelled" },
    { given_id: "waits", status: "queued" },
  ]);
  const seen = await runProgram(
    program,
    env,
    `
    const { status, result } = (await store.get("7"))!;
    const { compareStores } = await import(${JSON.stringify(pathToFileURL(path.join(ROOT, "src/index.ts")).href)});
    const { compared, differing } = await compareStores(store, { samplePercent: 100 });
    console.log(JSON.stringify({ status, result, compared, differing, counts: store.counts }));
  `,
  );
  expect(JSON.parse(seen.stdout)).toMatchObject({
    status: "finished",
    result: { sent: 1 },
    compared: 4,
    differing: 0,
    counts: { reads: 1, readsFailed: 0, readsMissed: 0 },
  });
});

async function runProgram(folder: string, env: Record<string, string>, code: string) {
  const file = path.join(folder, "program.ts");
  writeFileSync(
    file,
    `import { store } from "./stores.ts"; import { tasks } from "./older-store.ts"; ${code} await store.client.close();`,
  );
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [file],
      { env: { ...env, PATH: "/usr/bin", NO_COLOR: "1" } },
      (err, stdout, stderr) => resolve({ code: err === null ? 0 : 1, stdout, stderr }),
    );
  });
}

test("a comparison with too many differences fails its task, which says which", async ({
  url,
  client,
  program,
}) => {
  const env = { DATABASE_URL: url, DUAL_WRITE_MODE: "false", READ_FROM_POSTGRES_PERCENT: "0" };
  await runProgram(
    program,
    env,
    `
    for (let n = 0; n < 120; n += 1) await store.create({ id: "t" + n, taskType: "send_mail", payload: {} });
    await store.client.enqueue("compare_stores", {});
  `,
  );

  await runCli(["work", "--drain", "--tasks", path.join(program, "tasks")], { env });

  expect(await query(client, "select status, error from triaged.tasks")).toEqual([
    {
      status: "failed",
      error: expect.stringMatching(
        /(\d+) of \1 tasks differ between both stores, more than 1 %; t\d+: missing in PostgreSQL/,
      ),
    },
  ]);
});

test("a caller hears nothing of our failures, which are counted and logged; the older store's are its own", async () => {
  const older = olderStore();
  const { told, logger } = silent();
  const client = createClient({ connectionString: "postgres://nobody@127.0.0.1:1/nowhere" });
  const store = dualWrite({ older, client, dualWrite: true, readPercent: 100, logger });

  const id = await store.create({ taskType: "x", payload: {} });
  const task = await store.get(id);
  await store.cancel(id);

  expect(task).toMatchObject({ id, status: "pending" });
  expect(store.counts).toEqual({
    writes: 2,
    writesFailed: 2,
    reads: 1,
    readsFailed: 1,
    readsMissed: 0,
  });
  expect(told).toHaveLength(3);
  const broken = { ...older, create: () => Promise.reject(new Error("disk full")) };
  await expect(
    dualWrite({ older: broken, client, dualWrite: true, readPercent: 0, logger }).create({
      taskType: "x",
      payload: {},
    }),
  ).rejects.toThrow("disk full");
});

test("a caller waits for a database that does not answer no longer than the timeout", async ({
  url,
  connect,
}) => {
  const blocker = await connect();
  await blocker.query("begin");
  await blocker.query("lock table triaged.dedupe_keys in access exclusive mode");
  const client = createClient({ connectionString: url });
  const { told, logger } = silent();
  const options = { older: olderStore(), client, dualWrite: true, readPercent: 0, logger };
  const store = dualWrite({ ...options, timeoutMs: 50 });

  await store.create({ taskType: "x", payload: {} });

  expect(store.counts).toMatchObject({ writes: 1, writesFailed: 1 });
  expect(told).toEqual(["writing a task to PostgreSQL failed"]);
  await blocker.query("rollback");
  await client.close();
});

test("so many tasks as said are read here, and each always from the same store", async ({
  url,
  client: db,
}) => {
  const older = olderStore();
  const client = createClient({ connectionString: url });
  const store = dualWrite({ older, client, dualWrite: true, readPercent: 30 });
  for (let n = 0; n < 200; n += 1) await store.create({ taskType: "x", payload: { n } });
  await query(db, "select triaged.cancel_task(task_id) from triaged.tasks");

  const look = async () => {
    const statuses = [];
    for (const id of older.tasks.keys()) statuses.push((await store.get(id))?.status);
    return statuses;
  };
  const [first, second] = [await look(), await look()];

  expect(second).toEqual(first);
  expect(store.counts.reads / 2).toBe(first.filter((status) => status === "cancelled").length);
  expect(store.counts.reads / 2).toBeGreaterThan(40);
  expect(store.counts.reads / 2).toBeLessThan(80);
  const { compared, differing } = await compareStores(store, { samplePercent: 10 });
  expect(compared).toBeGreaterThan(0);
  expect(compared).toBeLessThan(60);
  expect(differing).toBe(compared);
  await client.close();
});

test("PostgreSQL alone is written and read at the end, and settings that read what nobody writes are refused", async ({
  url,
}) => {
  const older = olderStore();
  const client = createClient({ connectionString: url });
  const store = dualWrite({ older, client });

  const id = await store.create({ taskType: "x", payload: { n: 1 } });
  await store.cancel(id);

  expect(await store.get(id)).toMatchObject({ id, status: "cancelled", payload: { n: 1 } });
  expect(older.tasks.size).toBe(0);
  expect(() => dualWrite({ older, client, dualWrite: false, readPercent: 50 })).toThrow("0 or 100");
  expect(() => dualWrite({ older, client, readPercent: 101 })).toThrow(
    "READ_FROM_POSTGRES_PERCENT: expected an integer from 0 to 100",
  );
  await client.close();
});
