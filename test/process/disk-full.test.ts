// Goal: a full disk under the server costs time and nothing else.
// Method: a server in a small file system, which a file fills and leaves. Mounting takes root.
import { execFileSync } from "node:child_process";
import { rm, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query } from "../support/tasks.ts";

const SIZE = "160m";
const SETTINGS = {
  fsync: "off",
  shared_buffers: "16MB",
  min_wal_size: "32MB",
  max_wal_size: "32MB",
};

/** A folder on a file system of its own; null where none can be mounted. */
async function mountSmall(): Promise<string | null> {
  const { path: folder, remove } = await makeTemporaryFolder();
  onTestFinished(remove);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE},mode=0755`, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

test("while the disk of the server is full nothing that was acknowledged is lost, and work goes on after", async ({
  skip,
}) => {
  const folder = await mountSmall();
  if (folder === null) {
    skip("no file system can be mounted here");
    return;
  }
  const server = await startEmbedded({ folder: path.join(folder, "postgres"), settings: SETTINGS });
  onTestFinished(() => server.stop());
  await migrate({ connectionString: server.url });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  onTestFinished(() => client.end());
  await using worker = startWorkerProcess(server.url);
  let acknowledged = 0;
  const countOf = async (where: string) =>
    (await query(client, `select from triaged.tasks where ${where}`)).length;
  const payload = { filler: Array.from({ length: 20_000 }, () => Math.random()).join("") };
  const enqueueOne = async () => {
    await enqueue(client, { payload });
    acknowledged += 1;
  };
  await enqueueOne();
  await waitFor(async () => (await countOf("status = 'finished'")) === 1, { deadlineMs: 20_000 });

  const fill = async (name: string, left: number) => {
    const { bavail, bsize } = await statfs(folder);
    await writeFile(path.join(folder, name), Buffer.alloc(Math.max(0, bavail * bsize - left)));
  };
  await fill("ballast", 4_000_000);
  await expect(
    (async () => {
      for (let at = 0; at < 100; at += 1) await enqueueOne();
    })(),
  ).rejects.toMatchObject({ code: "53100" });
  await fill("more ballast", 0);
  const short = { filler: payload.filler.slice(0, 100_000) };
  const refused = await runCli(["enqueue", "noop", JSON.stringify(short)], {
    env: { DATABASE_URL: server.url },
  });
  await rm(path.join(folder, "ballast"));

  expect(refused).toMatchObject({
    code: 75,
    stderr: expect.stringContaining("docs/runbooks/disk-full.md"),
  });
  await waitFor(async () => (await countOf("status = 'finished'")) === acknowledged, {
    deadlineMs: 60_000,
  });
  await enqueueOne();
  await waitFor(async () => (await countOf("status = 'finished'")) === acknowledged, {
    deadlineMs: 20_000,
  });
  expect(await countOf("attempt_count > 1 and rescue_count = 0 and failure_count = 0")).toBe(0);
  worker.signal("SIGTERM");
  await worker.exited;
}, 180_000);
