import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { test as base, expect } from "vitest";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { isAlive, waitUntilGone } from "../../src/system/processes.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const HOLDER = fileURLToPath(new URL("../programs/hold-embedded.ts", import.meta.url));

/** Settings for a folder that nobody needs after the test. */
const settings = { fsync: "off", shared_buffers: "16MB" };

/** A test with a folder, which it leaves without a running server. */
const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const { path, remove } = await makeTemporaryFolder();
    await use(join(path, "postgres"));
    await remove();
  },
});

test("a started server keeps its data and its address over a stop", async ({ folder }) => {
  const first = await startEmbedded({ folder, settings });
  await query(first.url, "create table kept (note text)");
  await query(first.url, "insert into kept values ('here')");
  await first.stop();
  await first.stop();

  const second = await startEmbedded({ folder, settings });

  expect(second.url).toBe(first.url);
  expect(await query(second.url, "select note from kept")).toEqual([{ note: "here" }]);
  await second.stop();
  expect(isAlive(second.pid)).toBe(false);
});

test("the server is a PostgreSQL 18 that listens on the loopback and wants a password", async ({
  folder,
}) => {
  const server = await startEmbedded({ folder, settings: { ...settings, max_connections: 33 } });
  const [facts] = await query(
    server.url,
    `select current_setting('server_version_num')::int / 10000 as version,
       current_setting('listen_addresses') as listen_addresses,
       current_setting('max_connections') as max_connections,
       current_database() as database`,
  );
  const stranger = new URL(server.url);
  stranger.password = "guess";
  const password = await readFile(join(folder, "password"), "utf8");

  await expect(query(stranger.href, "select 1")).rejects.toMatchObject({ code: "28P01" });

  expect(facts).toEqual({
    version: 18,
    listen_addresses: "127.0.0.1",
    max_connections: "33",
    database: "triaged",
  });
  expect(new URL(server.url).password).toBe(password);
  await server.stop();
});

test("the contributed modules that the plans test loads are there", async ({ folder }) => {
  const server = await startEmbedded({ folder, settings });

  const loaded = query(server.url, "load 'auto_explain'");

  await expect(loaded).resolves.toEqual([]);
  await server.stop();
});

test("a second start in the same folder is refused and names the first", async ({ folder }) => {
  const server = await startEmbedded({ folder, settings });

  const second = startEmbedded({ folder, settings });

  await expect(second).rejects.toMatchObject({
    name: "EnvironmentError",
    message: expect.stringContaining(`pid ${process.pid}`),
    exitCode: 78,
  });
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await server.stop();
});

test("of many that start at once, behind a dead holder, one gets the server", async ({
  folder,
}) => {
  const dead = await startEmbedded({ folder, settings });
  await dead.stop();
  await writeFile(join(folder, "lock"), JSON.stringify({ pid: process.pid, start: "long ago" }));

  const starts = await Promise.allSettled(
    Array.from({ length: 8 }, () => startEmbedded({ folder, settings })),
  );

  const servers = starts.filter((start) => start.status === "fulfilled");
  expect(servers).toHaveLength(1);
  await Promise.all(servers.map(({ value }) => value.stop()));
});

test("a server that was killed recovers what it had committed", async ({ folder }) => {
  const killed = await startEmbedded({ folder, settings });
  await query(killed.url, "create table kept as select 1 as one");
  process.kill(killed.pid, "SIGKILL");
  await killed.exited;
  await killed.stop();

  const server = await startEmbedded({ folder, settings });

  expect(await query(server.url, "select one from kept")).toEqual([{ one: 1 }]);
  await server.stop();
});

test("the folder of a process killed with its server is taken over", async ({ folder }) => {
  const holder = await hold(folder);
  process.kill(holder.serverPid, "SIGKILL");
  await holder.kill();

  const server = await startEmbedded({ folder, settings });

  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await server.stop();
});

test("a server whose process was killed stops by itself", async ({ folder }) => {
  const holder = await hold(folder);

  await holder.kill();

  expect(await waitUntilGone(holder.serverPid, 10_000)).toBe(true);
});

test("a pid that went to another program does not stop a start", async ({ folder }) => {
  const first = await startEmbedded({ folder, settings });
  const pidFile = join(folder, "data", "postmaster.pid");
  const content = await readFile(pidFile, "utf8");
  await first.stop();
  await writeFile(pidFile, content.replace(/^\d+/, String(process.pid)));

  const server = await startEmbedded({ folder, settings });

  await server.stop();
  expect(isAlive(process.pid)).toBe(true);
});

test.runIf(process.getuid?.() !== 0)(
  "a folder that cannot be written is named, with a way out",
  async ({ folder }) => {
    await chmod(dirname(folder), 0o500);

    const start = startEmbedded({ folder, settings });

    await expect(start).rejects.toMatchObject({
      message: `cannot write in ${folder}`,
      exitCode: 78,
    });
  },
);

test.runIf(process.getuid?.() === 0)(
  "root's folder may be closed to the user who runs the server",
  async ({ folder }) => {
    await mkdir(folder, { recursive: true });
    await chmod(dirname(folder), 0o700);

    const server = await startEmbedded({ folder, settings });

    expect(server.home).not.toBe(folder);
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
    await rm(server.home, { recursive: true });
  },
);

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A process of its own that holds the server of `folder`. */
async function hold(folder: string): Promise<{ serverPid: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [HOLDER, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const { pid } = JSON.parse(line);
  return {
    serverPid: pid,
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
