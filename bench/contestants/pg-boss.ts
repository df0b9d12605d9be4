import type { Client } from "pg";
import type { OnPostgres } from "./backlog.ts";
import { type Order, startPeer } from "./peer-process.ts";

const PEER = "pg-boss";

export async function installPgBoss(url: string): Promise<void> {
  await obey(url, { do: "install" });
}

export function pgBoss({ fetchers, batch }: { fetchers: number; batch: number }): OnPostgres {
  return {
    name: PEER,
    settings:
      `one process, batchSize ${batch}, localConcurrency ${fetchers}, burstWhenBatchFull, ` +
      "a batch completed as one; keeps the finished job, no history",
    install: installPgBoss,
    fill: async (url, client, count) => {
      await obey(url, { do: "fill", count });
      await client.query("vacuum analyze pgboss.job");
    },
    startDraining: (url) => startPeer(PEER, url, { do: "work", fetchers, batch }),
    isEmpty: async (client) => (await countJobs(client, "state <> 'completed'")) === 0,
    check: async (client, count) => {
      const completed = await countJobs(client, "state = 'completed'");
      if (completed !== count) {
        throw new Error(`expected ${count} completed jobs of pg-boss, got ${completed}`);
      }
    },
  };
}

async function countJobs(client: Client, condition: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select count(*) from pgboss.job where name = 'noop' and ${condition}`,
  );
  return Number(rows[0]?.count);
}

async function obey(url: string, order: Order): Promise<void> {
  await using process = startPeer(PEER, url, order);
  await process.ended;
}
