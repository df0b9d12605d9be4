/** The folder of an embedded server, and the user that its process runs as. */

import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { chmod, mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";

/** Where root keeps servers of folders that the server's user cannot reach. Survives a reboot. */
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
  const suffix = hash("sha256", folder).slice(0, 12);
  return join(SHARED_FOLDER, `${name}-${suffix}`);
}

const run = promisify(execFile);

/** Whom the server runs as: spawn options. Empty means the user of this process. */
export type ServerUser = { readonly uid?: number; readonly gid?: number };

const CANDIDATES = ["postgres", "nobody"];

/**
 * PostgreSQL refuses to run as root, so root hands it to an ordinary user: the owner of a
 * data folder that exists, else `postgres`, else `nobody`. Throws an EnvironmentError when
 * none exists, or when the data belongs to somebody else and this process is not root.
 */
export async function chooseServerUser(dataFolder: string): Promise<ServerUser> {
  const ownUid = process.getuid?.();
  const owner = await stat(dataFolder).catch(() => null);
  if (ownUid !== 0) {
    if (owner !== null && ownUid !== undefined && owner.uid !== ownUid) {
      throw new EnvironmentError(`${dataFolder} belongs to another user (uid ${owner.uid})`, {
        hint: "run as that user or as root, or remove the folder to start from empty",
        exitCode: EXIT_CODES.config,
      });
    }
    return {};
  }
  if (owner !== null && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid };
  }
  for (const name of CANDIDATES) {
    const user = await lookUp(name);
    if (user !== null) {
      return user;
    }
  }
  throw new EnvironmentError("PostgreSQL does not run as root, and there is no other user", {
    hint: "add a user named postgres, run as an ordinary user, or set DATABASE_URL",
    exitCode: EXIT_CODES.config,
  });
}

/** Whether the user may pass through this folder and all above it. */
async function canReach(folder: string, user: ServerUser): Promise<boolean> {
  try {
    await run("test", ["-x", folder], user);
    return true;
  } catch {
    return false;
  }
}

async function lookUp(name: string): Promise<ServerUser | null> {
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return null;
  }
}
