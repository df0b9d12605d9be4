import path from "node:path";
import { runMigrations } from "graphile-worker";
import { startChild } from "../frame/child.ts";
import type { SqlContestant } from "./contestant.ts";

const PROCESS = path.join(import.meta.dirname, "graphile-worker-process.ts");

/** What its process is told. */
export type GraphileSettings = {
  readonly concurrency: number;
  /** -1 is off, its default. */
  readonly localQueueSize: number;
  /** Milliseconds; -1 is off, its default. */
  readonly batchDelay: number;
  readonly once: boolean;
};

/** The fastest setting that its documentation knows: docs/performance, "With batching". */
export const BATCHED = { localQueueSize: 500, batchDelay: 0 };
/** Its default, which its documentation advises where a job must start at once. */
export const UNBATCHED = { localQueueSize: -1, batchDelay: -1 };

export function graphileWorker(
  name: string,
  { concurrency, ...batching }: Omit<GraphileSettings, "once">,
): SqlContestant {
  const start = (url: string, once: boolean) =>
    startChild([PROCESS], {
      DATABASE_URL: url,
      GRAPHILE_SETTINGS: JSON.stringify({ concurrency, ...batching, once }),
      // Else it logs a line for each job.
      NO_LOG_SUCCESS: "1",
    });
  return {
    name,
    settings:
      `one process, concurrentJobs ${concurrency}, maxPoolSize ${concurrency + 1}, ` +
      (batching.localQueueSize > 0
        ? `localQueue.size ${batching.localQueueSize}, completeJobBatchDelay and ` +
          `failJobBatchDelay ${batching.batchDelay}, no history`
        : "localQueue and batching off (default), no history"),
    install: async (url) => {
      await runMigrations({ connectionString: url });
    },
    enqueueNoops: async (client, count) => {
      await insertNoops(client, { count, of: count });
      await client.query("vacuum analyze graphile_worker._private_jobs");
    },
    enqueuePing: async (client) => {
      await client.query("select id from graphile_worker.add_job('ping', '{}')");
    },
    enqueueOne: async (client, { type, payload }) => {
      await client.query("select id from graphile_worker.add_job($1, $2)", [type, payload]);
    },
    insertNoops,
    depth: async (client) => {
      const { rows } = await client.query<{ depth: number }>(
        "select count(*)::integer as depth from graphile_worker._private_jobs",
      );
      return rows[0]?.depth ?? 0;
    },
    channels: ["jobs:insert", "worker:migrate"],
    startDraining: (url) => start(url, true),
    startWaiting: (url) => start(url, false),
    isEmpty: async (client) => {
      const { rows } = await client.query<{ empty: boolean }>(
        "select not exists (select from graphile_worker._private_jobs) as empty",
      );
      return rows[0]?.empty === true;
    },
    // It deletes what is done: that nothing is left, and how often its handler was called,
    // is all there is to see.
    check: () => Promise.resolve(),
  };
}

const insertNoops: SqlContestant["insertNoops"] = async (client, { count, of }) => {
  // One call: add_job for each, in one transaction, reads the growing table each time.
  await client.query(
    `select count(*) from graphile_worker.add_jobs(array(
       select (
         'noop', json_build_object('of', $2::integer), null, null, null, null, null, null
       )::graphile_worker.job_spec
       from generate_series(1, $1::integer)
     ))`,
    [count, of],
  );
};
