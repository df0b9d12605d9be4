import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { waitFor } from "./connections.ts";
import { freePort, makeTemporaryFolder } from "./folders-and-ports.ts";

/** Debian's package is called pgbouncer. */
export const hasPgbouncer = spawnSync("pgbouncer", ["--version"]).status === 0;

/** A PgBouncer in transaction mode before the database; `url` leads through it. */
export async function startPgbouncer(
  databaseUrl: string,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = new URL(databaseUrl);
  const folder = await makeTemporaryFolder();
  const port = await freePort();
  const settings = path.join(folder.path, "pgbouncer.ini");
  const password = server.password === "" ? "" : ` password=${decodeURIComponent(server.password)}`;
  await writeFile(
    settings,
    `[databases]
* = host=${server.hostname} port=${server.port || 5432} user=${server.username}${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
`,
  );
  await chmod(folder.path, 0o755);
  await chmod(settings, 0o644);
  // It refuses to run as root, and gives its rights up for those of an ordinary user.
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn("pgbouncer", ["-q", ...asUser, settings], { stdio: "ignore" });
  const url = new URL(databaseUrl);
  url.port = String(port);
  await waitFor(async () => {
    const client = new Client({ connectionString: url.href });
    return await client.connect().then(
      async () => {
        await client.end();
        return true;
      },
      () => false,
    );
  });
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      await folder.remove();
    },
  };
}

/**
 * A PgBouncer by the settings of somebody, which are changed in where it listens and keeps its
 * files alone. Leads nowhere; `adminUrl` is its console.
 */
export async function startPgbouncerOf(
  settings: string,
): Promise<{ readonly adminUrl: string } & AsyncDisposable> {
  const folder = await makeTemporaryFolder();
  await chmod(folder.path, 0o777);
  const file = path.join(folder.path, "pgbouncer.ini");
  const here = settings
    .replaceAll("/run/pgbouncer", folder.path)
    .replace(/^listen_addr = .*$/m, "listen_addr =");
  await writeFile(file, here);
  await writeFile(path.join(folder.path, "databases.ini"), "[databases]\n");
  await writeFile(path.join(folder.path, "users.txt"), '"pgbouncer" "pass"\n');
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn("pgbouncer", ["-q", ...asUser, file], { stdio: "ignore" });
  const socket = encodeURIComponent(folder.path);
  const adminUrl = `postgres://pgbouncer:pass@/pgbouncer?host=${socket}&port=6432`;
  const dispose = async () => {
    const exited = once(child, "exit");
    if (child.kill("SIGKILL")) await exited;
    await folder.remove();
  };
  await waitFor(() => existsSync(path.join(folder.path, ".s.PGSQL.6432")));
  return { adminUrl, [Symbol.asyncDispose]: dispose };
}
