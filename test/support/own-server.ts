/** Servers that a test has for itself: roles, and some settings, are of a whole server. */
import { execFile } from "node:child_process";
import { chown, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { chooseServerUser } from "../../src/database/embedded/home.ts";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { freePort } from "./free-port.ts";
import { BINARIES, Server } from "./replicated-servers.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** Debian's PostgreSQL, which has pg_dump, or the embedded one, which is the newest. */
export type Kind = "debian" | "embedded";

/** False without Debian's PostgreSQL; where CI runs it must be there, and tests fail without. */
export const hasDebian = BINARIES !== undefined || process.env["CI"] !== undefined;

export type OwnServer = AsyncDisposable & { readonly url: string };

export async function startOwnServer(
  kind: Kind,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  const folder = await makeTemporaryFolder();
  if (kind === "embedded") {
    const server = await startEmbedded({
      folder: `${folder.path}/postgres`,
      settings: { fsync: "off", ...settings },
    });
    return {
      url: server.url,
      [Symbol.asyncDispose]: async () => {
        await server.stop();
        await rm(server.home, { recursive: true, force: true });
        await folder.remove();
      },
    };
  }
  const user = await chooseServerUser(folder.path);
  const home = path.join(folder.path, "servers");
  await mkdir(home);
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(home, user.uid, user.gid);
  }
  const server = new Server(path.join(home, "own"), await freePort(), user);
  await server.initialize(settings);
  await server.start();
  return {
    url: server.url,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await folder.remove();
    },
  };
}

/** Run pg_dump, pg_restore, psql and the like to their end; resolves to what they printed. */
export async function runTool(
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  const done = run(path.resolve(BINARIES ?? "", program), [...args], {
    maxBuffer: 64 * 2 ** 20,
    env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "" },
  });
  done.child.stdin?.destroy();
  return await done;
}
