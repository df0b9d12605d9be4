import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../support/folders-and-ports.ts";
import { endOf } from "./processes.ts";
import { withClient } from "./server.ts";

/** A PgBouncer in transaction mode before the server. */
export type Pooler = AsyncDisposable & {
  readonly url: string;
  /** kill -9, and start it again. */
  readonly restart: () => Promise<void>;
};

const START_MS_MAX = 20_000;

export async function startPooler(
  folder: string,
  { serverUrl, listen }: { serverUrl: string; listen: readonly string[] },
): Promise<Pooler> {
  const settings = path.join(folder, "pgbouncer.ini");
  const port = await freePort();
  const url = new URL(serverUrl);
  await mkdir(folder, { recursive: true });
  await writeFile(settings, settingsFor(url, { port, listen }));
  await chmod(folder, 0o755);
  await chmod(settings, 0o644);
  url.port = String(port);
  // It refuses to run as root, and gives its rights up for those of an ordinary user.
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  let child: ChildProcess;
  const start = async () => {
    child = spawn("pgbouncer", ["-q", ...asUser, settings], { stdio: "ignore" });
    child.on("error", () => undefined);
    await waitUntilOpen(url.href);
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await endOf(child);
  };
  await start();
  return {
    url: url.href,
    restart: async () => {
      await kill();
      await start();
    },
    [Symbol.asyncDispose]: kill,
  };
}

function settingsFor(
  { hostname, port: serverPort, username, password }: URL,
  { port, listen }: { port: number; listen: readonly string[] },
): string {
  return `[databases]
* = host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = ${["127.0.0.1", ...listen].join(",")}
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
server_login_retry = 1
query_wait_timeout = 20
`;
}

async function waitUntilOpen(url: string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    try {
      await withClient(url, (client) => client.query("select 1"));
      return;
    } catch (err) {
      if (Date.now() > deadline) {
        throw new Error("expected pgbouncer to let clients in", { cause: err });
      }
      await delay(50);
    }
  }
}
