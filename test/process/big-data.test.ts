// Goal: big payloads and results are worked off at default settings, and a worker holds no more
// of them than its limits say.

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";

const TASKS = path.join(import.meta.dirname, "..", "fixtures", "big");
/** A result, or a payload, just within the limit of each. */
const LENGTH = 1_000_000;
/** More together than one string of V8 holds, which is 512 Mi characters. */
const COUNT = 1_400;
/**
 * What a worker may hold: 32 MiB of endings, those of the statements on their way twice more,
 * 16 MiB of payloads, and a heap that is collected when it has grown by as much again.
 */
const MEMORY_MIB_MAX = 900;

test("results of more than any string holds are recorded, within the memory of the limits", {
  timeout: 240_000,
}, async ({ url, client }) => {
  await enqueueMany(client, "fill", `jsonb_build_object('length', ${LENGTH})`);
  await using worker = startWorkerProcess(url, { tasks: TASKS });

  await untilDone(client);

  expect(await ends(client)).toEqual([{ status: "finished", attempts: 1, count: COUNT }]);
  expect(await memoryMib(worker.pid)).toBeLessThan(MEMORY_MIB_MAX);
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
});

test("payloads of more than any string holds are claimed, within the memory of the limits", {
  timeout: 240_000,
}, async ({ url, client }) => {
  await enqueueMany(client, "weigh", `jsonb_build_object('text', repeat('x', ${LENGTH}))`);
  await using worker = startWorkerProcess(url, { tasks: TASKS });

  await untilDone(client);

  expect(await ends(client)).toEqual([{ status: "finished", attempts: 1, count: COUNT }]);
  const { rows } = await client.query("select distinct result from triaged.final_tasks");
  expect(rows).toEqual([{ result: [LENGTH, "test"] }]);
  expect(await memoryMib(worker.pid)).toBeLessThan(MEMORY_MIB_MAX);
});

async function enqueueMany(client: Client, taskType: string, payload: string): Promise<void> {
  await client.query(
    `select triaged.enqueue_task($1, ${payload}, metadata => '{"sender": "test"}')
     from generate_series(1, ${COUNT})`,
    [taskType],
  );
}

async function untilDone(client: Client): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await client.query("select from triaged.live_tasks limit 1");
      return rows.length === 0;
    },
    { deadlineMs: 200_000 },
  );
}

async function ends(client: Client): Promise<unknown[]> {
  const { rows } = await client.query(
    `select status, attempt_count as attempts, count(*)::integer as count
     from triaged.final_tasks group by 1, 2`,
  );
  return rows;
}

/** The most that the process had at a time; 0 where the system does not tell. */
async function memoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
