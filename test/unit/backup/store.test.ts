// Goal: dumps that are too old go, and the newest whole one never does; what is half is no dump.

import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  damageOf,
  expireStored,
  listStored,
  openStore,
  type Stored,
  storeDump,
} from "../../../src/backup/store.ts";
import { makeTemporaryFolder } from "../../support/folders-and-ports.ts";

const NOW = new Date("2027-03-01T02:00:00Z");
const DAY_MS = 86_400_000;

let folder: { path: string; remove: () => Promise<void> };

beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(async () => await folder.remove());

async function store(daysAgo: number, database = "orders"): Promise<Stored> {
  const at = new Date(NOW.getTime() - daysAgo * DAY_MS);
  const partial = path.join(folder.path, ".x.partial");
  await writeFile(partial, `dump of ${daysAgo}`);
  return await storeDump(folder.path, partial, {
    database,
    schema: "triaged",
    schemas: ["triaged"],
    at,
    ended_at: at,
    triaged: "0.1.0",
    migration: "0001-x",
    server_version: "15.1",
    pg_dump: "15.1",
    counts: { tasks: {}, history_rows: 0, newest_history_id: null, newest_history_at: null },
  });
}

test("dumps beyond the retention go with all of their files", async () => {
  await store(31);
  await store(29);
  const newest = await store(0);

  const expired = await expireStored(folder.path, newest, { retentionDays: 30 });

  expect(expired.map((file) => path.basename(file))).toEqual([
    "triaged-orders-20270129T020000Z.dump",
  ]);
  expect(await readdir(folder.path)).toHaveLength(6);
});

test("those of another database stay, and with a retention of 0 all do", async () => {
  await store(400, "other");
  await store(400);
  const newest = await store(0);

  expect(await expireStored(folder.path, newest, { retentionDays: 0 })).toEqual([]);
  expect(await expireStored(folder.path, newest, { retentionDays: 1 })).toHaveLength(1);
  expect((await listStored(folder.path)).map(({ manifest }) => manifest.database)).toEqual([
    "orders",
    "other",
  ]);
});

test("the last whole one stays, however old it is", async () => {
  const only = await store(400);

  expect(await expireStored(folder.path, only, { retentionDays: 1 })).toEqual([]);
  expect(await damageOf(only)).toBeNull();
});

test("a dump without its manifest is none, and other files are nothing to it", async () => {
  const stored = await store(0);
  await rm(stored.path.replace(/dump$/, "json"));
  await writeFile(path.join(folder.path, "notes.json"), "{}");
  await writeFile(path.join(folder.path, "broken.json"), "{");

  expect(await listStored(folder.path)).toEqual([]);
  expect(await listStored(path.join(folder.path, "nowhere"))).toEqual([]);
});

test("a byte that changed is found", async () => {
  const stored = await store(0);
  await writeFile(stored.path, "dump of 1");

  expect(await damageOf(stored)).toMatch(/another sum/);
  await writeFile(stored.path, "dump");
  expect(await damageOf(stored)).toMatch(/has 4 bytes, and had 9/);
  await rm(stored.path);
  expect(await damageOf(stored)).toMatch(/is not there/);
});

test("a folder that cannot be written is refused with what to do", async () => {
  await writeFile(path.join(folder.path, "file"), "");

  await expect(openStore(path.join(folder.path, "file", "dumps"))).rejects.toMatchObject({
    exitCode: 78,
    hint: expect.stringContaining("BACKUP_DIR"),
  });
});
