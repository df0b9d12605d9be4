import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

const HOST = "127.0.0.1";

/**
 * The port of the server in `homePath`: the one that it had before, so that a connection
 * somebody wrote down stays good, or a free one when that is taken.
 */
export async function choosePort(homePath: string): Promise<number> {
  const file = join(homePath, "port");
  const last = Number.parseInt(await readFile(file, "utf8").catch(() => "0"), 10);
  const port = (await bind(last)) ?? (await bind(0));
  if (port === null) {
    throw new Error(`no free port on ${HOST}`);
  }
  await writeFile(file, `${port}\n`);
  return port;
}

/** Take the port (0: any) for a moment. Null when it cannot be had. */
async function bind(wanted: number): Promise<number | null> {
  const server = createServer().listen(wanted, HOST);
  try {
    await once(server, "listening");
  } catch {
    return null;
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? null) : null;
}
