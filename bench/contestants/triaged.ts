import path from "node:path";
import type { Client } from "pg";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { startChild } from "../frame/child.ts";
import type { SqlContestant } from "./contestant.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
export const HANDLERS = path.join(ROOT, "bench", "handlers");
/** events of a task that is worked off: enqueue, claim, finish. */
const EVENTS_PER_TASK = 3;

/** A real worker process, as `triaged work` starts it. */
export function startWorker(url: string, words: readonly string[], handlers = HANDLERS) {
  return startChild([path.join(ROOT, "bin", "triaged.js"), "work", "--tasks", handlers, ...words], {
    DATABASE_URL: url,
  });
}

/** A real gateway process, as `triaged serve` starts it. */
export function startGatewayProcess(url: string, env: Readonly<Record<string, string>>) {
  return startChild([path.join(ROOT, "bin", "triaged.js"), "serve"], { DATABASE_URL: url, ...env });
}

export function triaged({ concurrency }: { concurrency: number }): SqlContestant {
  const words = ["--concurrency", String(concurrency)];
  return {
    name: "triaged",
    settings: `one \`triaged work\`, concurrency ${concurrency}, full history, all else default`,
    install: async (url) => {
      await migrateSchema({ connectionString: url }, { rolePrefix: "triaged" });
    },
    enqueueNoops: async (client, count) => {
      await insertNoops(client, { count, of: count });
      await client.query("vacuum analyze triaged.live_tasks");
    },
    enqueuePing: async (client) => {
      await client.query("select task_id from triaged.enqueue_task('ping', '{}')");
    },
    enqueueOne: async (client, { type, payload }) => {
      await client.query("select task_id from triaged.enqueue_task($1, $2)", [type, payload]);
    },
    insertNoops,
    depth: async (client) => {
      const { rows } = await client.query<{ depth: number }>(
        "select count(*)::integer as depth from triaged.live_tasks",
      );
      return rows[0]?.depth ?? 0;
    },
    channels: ["triaged.wake_up"],
    startDraining: (url) => startWorker(url, [...words, "--drain"]),
    startWaiting: (url) => startWorker(url, words),
    isEmpty: async (client) => {
      const { rows } = await client.query<{ empty: boolean }>(
        "select not exists (select from triaged.live_tasks) as empty",
      );
      return rows[0]?.empty === true;
    },
    check: async (client, count) => {
      await expectCount(client, "select count(*) from triaged.task_history", {
        count: count * EVENTS_PER_TASK,
      });
      await expectCount(
        client,
        "select count(*) from triaged.final_tasks where status = 'finished' and attempt_count = 1",
        { count },
      );
    },
  };
}

const insertNoops: SqlContestant["insertNoops"] = async (client, { count, of }) => {
  await client.query(
    `select count(*) from triaged.enqueue_tasks((
       select jsonb_agg(jsonb_build_object(
         'task_type', 'noop', 'payload', jsonb_build_object('of', $2::integer)
       ))
       from generate_series(1, $1::integer)
     ))`,
    [count, of],
  );
};

/** Throws unless the query's one number is `count`. */
export async function expectCount(
  client: Client,
  query: string,
  { count }: { count: number },
): Promise<void> {
  const { rows } = await client.query<{ count: string }>(query);
  if (Number(rows[0]?.count) !== count) {
    throw new Error(`expected ${count} from "${query}", got ${rows[0]?.count}`);
  }
}
