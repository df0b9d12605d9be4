import { appendFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { startEmbedded } from "../../../src/database/embedded/server.ts";
import { migrateSchema } from "../../../src/database/migrate/migrate.ts";
import { freePort } from "../../support/folders-and-ports.ts";
import { signal } from "./processes.ts";

/** A PostgreSQL server with its durability on, that can be made to fall. */
export type Server = AsyncDisposable & {
  readonly url: string;
  /** Down and up again, at the same address; resolves when it lets clients in. */
  readonly restart: (how: "SIGINT" | "SIGQUIT" | "SIGKILL") => Promise<void>;
  /** End that many of the connections of clients, at most, from that place (0 to 1) on. */
  readonly terminate: (from: number, atMost: number) => Promise<number>;
};

const CONNECTIONS_MAX = 150;

/** Start one in `folder`, migrated, that also listens for hosts on these addresses. */
export async function startServer(
  folder: string,
  { listen }: { listen: readonly string[] },
): Promise<Server> {
  // Told which port it had before, it takes that one: none of the ports of outgoing
  // connections, which may be in use when it comes back.
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "port"), String(await freePort()));
  const start = () =>
    startEmbedded({
      folder,
      settings: {
        listen_addresses: ["127.0.0.1", ...listen].join(","),
        max_connections: CONNECTIONS_MAX,
      },
    });
  let server = await start();
  const { url } = server;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => server.stop());
  for (const address of listen) {
    const hostsOf = `host all all ${address}/30 scram-sha-256\n`;
    await appendFile(path.join(server.home, "data", "pg_hba.conf"), hostsOf);
  }
  await migrateSchema({ connectionString: url }, { rolePrefix: "triaged" });
  await withClient(url, (client) => client.query("select pg_reload_conf()"));
  const owned = undo.move();
  return {
    url,
    restart: async (how) => {
      signal(server.pid, how);
      await server.exited;
      await server.stop();
      server = await start();
      if (server.url !== url) {
        throw new Error("expected the server at the same port, another process has taken it");
      }
    },
    terminate: (from, atMost) => withClient(url, (client) => terminate(client, from, atMost)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function terminate(client: Client, from: number, atMost: number): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where backend_type = 'client backend' and pid <> pg_backend_pid()
     order by pid`,
  );
  const start = Math.floor(from * rows.length);
  const pids = rows.slice(start, start + atMost).map(({ pid }) => pid);
  await client.query("select pg_terminate_backend(pid) from unnest($1::integer[]) as pid", [pids]);
  return pids.length;
}

/** Lend a connection. */
export async function withClient<Result>(
  url: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url, application_name: "chaos" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
