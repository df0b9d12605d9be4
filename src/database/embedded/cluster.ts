/** The files of an embedded server: made once, by initdb. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Binaries } from "./binaries.ts";
import type { Home } from "./home.ts";

const run = promisify(execFile);

/** The superuser and the database of every embedded server. */
export const EMBEDDED_NAME = "triaged";

/** The files of one server, ready to be started. */
export type Cluster = { readonly data: string; readonly password: string };

/**
 * Make the server's files in `home` unless they are there. The collation is the built-in
 * C.UTF-8, so that order does not depend on the machine; the password is random and lies
 * beside the data, readable by the server's user alone.
 */
export async function prepareCluster(home: Home, binaries: Binaries): Promise<Cluster> {
  const data = join(home.path, "data");
  const passwordFile = join(home.path, "password");
  if ((await stat(data).catch(() => null)) === null) {
    await create(home, binaries, { data, passwordFile });
  }
  return { data, password: (await readFile(passwordFile, "utf8")).trim() };
}

async function create(
  home: Home,
  binaries: Binaries,
  { data, passwordFile }: { data: string; passwordFile: string },
): Promise<void> {
  // initdb works in a draft, and the rename tells that it came to its end.
  const draft = join(home.path, "data.draft");
  await rm(draft, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, randomBytes(24).toString("hex"), { mode: 0o600 });
  await mkdir(draft, { mode: 0o700 });
  if (home.user.uid !== undefined && home.user.gid !== undefined) {
    await chown(draft, home.user.uid, home.user.gid);
    await chown(passwordFile, home.user.uid, home.user.gid);
  }
  const options = [
    `--pgdata=${draft}`,
    `--username=${EMBEDDED_NAME}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
  ];
  try {
    await run(binaries.initdb, options, { ...home.user, env: { LC_ALL: "C" } });
  } catch (cause) {
    throw new EnvironmentError(`initdb failed in ${home.path}`, {
      hint: "is the disk full, or the folder on a network drive? The cause says more",
      exitCode: EXIT_CODES.databaseUnreachable,
      cause,
    });
  }
  await rename(draft, data);
}
