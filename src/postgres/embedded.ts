// A PostgreSQL server of our own, for one machine: what `triaged up` uses without
// DATABASE_URL, and the tests without TEST_DATABASE_URL. One folder is one server:
//
//   lock       who runs it; a second starter is refused
//   data/      the server's files      port       the port it had last
//   password   of its superuser        server.log what it said since its last start
//
// All but the lock are elsewhere when root's folder cannot be reached (embedded/home.ts).

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { hasCode } from "../has-code.ts";
import { findBinaries } from "./embedded/binaries.ts";
import { prepareCluster } from "./embedded/cluster.ts";
import { lockFolder } from "./embedded/folder-lock.ts";
import { prepareHome } from "./embedded/home.ts";
import { stopPostmaster, stopWithThisProcess } from "./embedded/postmaster.ts";
import { startServer } from "./embedded/start-server.ts";

/** A running embedded server. */
export type EmbeddedServer = {
  /** Of a database named `triaged`, as superuser, on 127.0.0.1. Holds the password. */
  readonly url: string;
  readonly pid: number;
  /** Where its files are, in case somebody wants to remove them. */
  readonly home: string;
  /** Resolves when the server process is gone, stopped or crashed. */
  readonly exited: Promise<void>;
  /** Disconnect all clients, stop the server, and give the folder free. */
  stop(): Promise<void>;
};

/**
 * Start the server of `folder`, made if there is none, and resolve when it answers. It
 * survives a crash of anything: a server that an earlier process left running is stopped
 * first, files that it left are recovered. `settings` are PostgreSQL's.
 *
 * Throws an EnvironmentError when another living process runs this folder, when no
 * PostgreSQL is installed for this platform, or when the server does not start.
 */
export async function startEmbedded(options: {
  folder: string;
  settings?: Readonly<Record<string, string | number>>;
}): Promise<EmbeddedServer> {
  const settings = options.settings ?? {};
  const folder = resolve(options.folder);
  const unlock = await takeFolder(folder);
  try {
    const home = await prepareHome(folder);
    const binaries = await findBinaries(home.user);
    const cluster = await prepareCluster(home, binaries);
    await stopPostmaster(cluster.data);
    const { postmaster, url } = await startServer({ home, binaries, cluster, settings });
    const endWatch = await stopWithThisProcess(postmaster.pid, home.user);
    const stop = async () => {
      await stopPostmaster(cluster.data);
      await postmaster.exited;
      await endWatch();
      await unlock();
    };
    let stopped: Promise<void> | undefined;
    return {
      url,
      pid: postmaster.pid,
      home: home.path,
      exited: postmaster.exited,
      stop: () => (stopped ??= stop()),
    };
  } catch (err) {
    await unlock();
    throw err;
  }
}

async function takeFolder(folder: string): Promise<() => Promise<void>> {
  try {
    await mkdir(folder, { recursive: true });
    return await lockFolder(join(folder, "lock"));
  } catch (err) {
    if (hasCode(err, "EACCES", "EPERM", "EROFS")) {
      throw new EnvironmentError(`cannot write in ${folder}`, {
        hint: "run as the user it belongs to, or set TRIAGED_DATA_DIR or DATABASE_URL",
        exitCode: EXIT_CODES.config,
        cause: err,
      });
    }
    throw err;
  }
}
