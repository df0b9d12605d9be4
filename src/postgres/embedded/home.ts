import { chmod, mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sha256 } from "../../sha256.ts";
import type { ServerUser } from "./server-user.ts";
import { canReach, chooseServerUser } from "./server-user.ts";

/** What root keeps for folders that the server's user cannot reach. Survives a reboot. */
export const SHARED_FOLDER = "/var/lib/triaged";

/** Where the data, the password and the log of one server are, and who runs it. */
export type Home = { readonly path: string; readonly user: ServerUser };

/**
 * The home of the server of `folder`: the folder itself, or, when this process is root and
 * the server's user cannot pass through it (a clone in /root), one in SHARED_FOLDER named by
 * the folder's path.
 */
export async function prepareHome(folder: string): Promise<Home> {
  await mkdir(folder, { recursive: true });
  const user = await chooseServerUser(join(folder, "data"));
  if (user.uid === undefined || (await canReach(folder, user))) {
    return { path: folder, user };
  }
  const path = elsewhere(folder);
  await makePublic(SHARED_FOLDER);
  await makePublic(path);
  return { path, user: await chooseServerUser(join(path, "data")) };
}

/** Make a folder that everybody may pass through, whatever the umask is. */
export async function makePublic(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null)) === null) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
}

function elsewhere(folder: string): string {
  const name = basename(dirname(dirname(folder))).replaceAll(/[^\w.-]/g, "_");
  const hash = sha256(folder).slice(0, 12);
  return join(SHARED_FOLDER, `${name}-${hash}`);
}
