import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { pino } from "pino";
import { test as base, expect } from "vitest";
import { readConnection } from "../../src/database/connection-file.ts";
import { runUp } from "../../src/supervisor/up.ts";
import { waitUntilGone } from "../../src/system/processes.ts";
import { notes, pidsOf, supervised } from "../programs/journal.ts";
import { found, waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const HOLD_UP = fileURLToPath(new URL("../programs/hold-up.ts", import.meta.url));

/** A data folder, and the journal of the supervised process. */
const test = base.extend<{ place: { folder: string; journal: string } }>({
  place: async ({}, use) => {
    const { path, remove } = await makeTemporaryFolder();
    await use({ folder: join(path, ".triaged"), journal: join(path, "journal") });
    await remove();
  },
});

test("up prepares its server, shows it to other commands, and takes all back", async ({
  place,
}) => {
  const up = start(place);
  await waitFor(() => notes(place.journal).length === 1);

  const database = await readConnection(place.folder);

  expect(up.prepared).toEqual([database.url]);
  expect(await ask(database.url, "select 1 as one")).toEqual([{ one: 1 }]);
  expect((await stat(join(place.folder, "connection.json"))).mode & 0o777).toBe(0o600);
  up.stop();
  expect(await up.ended).toBe(0);
  expect(notes(place.journal)).toEqual(["one started", "one told to stop", "one stopped"]);
  await expect(ask(database.url, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await expect(readConnection(place.folder)).rejects.toMatchObject({ exitCode: 75 });
});

test("a second up in the same folder is refused and disturbs nothing", async ({ place }) => {
  const first = start(place);
  await waitFor(() => notes(place.journal).length === 1, { deadlineMs: 60_000 });

  const second = start(place);

  await expect(second.ended).rejects.toMatchObject({
    name: "EnvironmentError",
    message: expect.stringContaining(`pid ${process.pid}`),
  });
  const { url } = await readConnection(place.folder);
  expect(await ask(url, "select 1 as one")).toEqual([{ one: 1 }]);
  first.stop();
  await first.ended;
});

test("a server that is killed comes back at its address", async ({ place }) => {
  const up = start(place);
  await waitFor(() => notes(place.journal).length === 1);
  const { url } = await readConnection(place.folder);
  await ask(url, "create table kept as select 1 as one");
  const [{ pid }] = await ask(
    url,
    "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)::int as pid",
  );

  process.kill(pid, "SIGKILL");

  await waitUntilGone(pid, 10_000);
  const rows = await waitFor(() => ask(url, "select one from kept").catch(() => null));
  expect(rows).toEqual([{ one: 1 }]);
  up.stop();
  expect(await up.ended).toBe(0);
  expect(pidsOf(place.journal, "one")).toHaveLength(1);
});

test("after kill -9 of the whole tree the next up recovers", async ({ place }) => {
  const tree = spawn(process.execPath, [HOLD_UP, place.folder, place.journal], {
    stdio: "inherit",
  });
  await waitFor(() => notes(place.journal).length === 1);
  const { url } = await readConnection(place.folder);
  await ask(url, "create table kept as select 1 as one");
  process.kill(found(pidsOf(place.journal, "one")[0]), "SIGKILL");
  tree.kill("SIGKILL");
  await once(tree, "exit");
  await expect(readConnection(place.folder)).rejects.toMatchObject({ exitCode: 75 });

  const up = start(place);

  await waitFor(() => pidsOf(place.journal, "one").length === 2);
  expect(await ask(found(up.prepared[0]), "select one from kept")).toEqual([{ one: 1 }]);
  up.stop();
  expect(await up.ended).toBe(0);
});

test("a database that cannot be prepared starts nothing and leaves nothing", async ({ place }) => {
  const up = start(place, () => Promise.reject(new Error("newer than the code")));

  await expect(up.ended).rejects.toThrow("newer than the code");

  expect(notes(place.journal)).toEqual([]);
  await expect(readConnection(place.folder)).rejects.toMatchObject({ exitCode: 75 });
  const again = start(place);
  await waitFor(() => notes(place.journal).length === 1);
  again.stop();
  expect(await again.ended).toBe(0);
});

test("an address that a dead process left is not used", async ({ place }) => {
  const up = start(place);
  await waitFor(() => notes(place.journal).length === 1);
  const { url } = await readConnection(place.folder);
  up.stop();
  await up.ended;

  const saved = { url, pid: process.pid, start: "long ago" };
  await writeFile(join(place.folder, "connection.json"), JSON.stringify(saved));

  await expect(readConnection(place.folder)).rejects.toMatchObject({
    exitCode: 75,
    hint: expect.stringContaining("npm start"),
  });
});

function start(
  { folder, journal }: { folder: string; journal: string },
  prepare: (url: string) => Promise<void> = () => Promise.resolve(),
) {
  const stop = new AbortController();
  const prepared: string[] = [];
  const ended = runUp({
    connection: { kind: "embedded", folder },
    prepare: ({ url }) => {
      prepared.push(url);
      return prepare(url);
    },
    groups: [{ programs: [supervised("one", journal, "run")], graceMs: 10_000 }],
    logger: pino({ level: "silent" }),
    signals: { stop: stop.signal, kill: new AbortController().signal },
  });
  ended.catch(() => undefined);
  return { prepared, ended, stop: () => stop.abort() };
}

async function ask(url: string, text: string) {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
