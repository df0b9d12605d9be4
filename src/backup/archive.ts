/**
 * Base backups and the archive of WAL, which pgBackRest makes and reads: a cluster as it was at
 * some moment, into a folder; and a server on such a folder that nobody else reaches, for a drill.
 */
import { access, chmod, chown, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseClient } from "../database/connection.ts";
import type { ServerUser } from "../database/embedded/home.ts";
import {
  spawnPostmaster,
  stopPostmaster,
  stopWithThisProcess,
} from "../database/embedded/postmaster.ts";
import { databaseNameOf } from "../database/libpq.ts";
import { clientConfig } from "../database/pool.ts";
import { isTransient } from "../database/sqlstate.ts";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import {
  type DatabaseUrl,
  databaseUrlOf,
  parseDatabaseUrl,
  withoutHosts,
} from "../settings/database-url.ts";
import { environmentBeginning, environmentOf } from "../settings/environment.ts";
import { explained } from "./make-backup.ts";
import { findPrograms, type Programs, runProgram } from "./programs.ts";

export type ArchiveOptions = {
  /** Undefined: as PGBACKREST_STANZA says. */
  readonly stanza: string | undefined;
  /** The folder for the cluster: empty, or not there. */
  readonly data: string;
  /** Null: to the end of the archive. */
  readonly target: Date | null;
  readonly user: ServerUser;
  /** More options of pgBackRest. */
  readonly more?: readonly string[];
  readonly signal?: AbortSignal | undefined;
};

/**
 * Have pgBackRest restore the cluster as it was at the moment: the newest base backup before it,
 * and what the server needs to replay the archive from there when it starts. Throws an
 * EnvironmentError with what pgBackRest said.
 */
export async function restoreArchive(options: ArchiveOptions): Promise<void> {
  const { stanza, data, target, user, more = [], signal } = options;
  const args = [
    ...optionsFor({ stanza }),
    `--pg1-path=${data}`,
    ...(target === null
      ? ["--type=default"]
      : ["--type=time", `--target=${timeOf(target)}`, "--target-action=promote"]),
    ...more,
    "restore",
  ];
  try {
    await runProgram("pgbackrest", args, { user, environment: { LC_ALL: "C" }, signal });
  } catch (err) {
    throw explained(
      err,
      "see `pgbackrest info`: the moment lies after a base backup; the folder is empty, and belongs to " +
        "the user of the server",
    );
  }
}

/**
 * What pgBackRest would find in its environment, as options: these it writes into the command by
 * which the server will ask for the archive.
 */
function optionsFor({ stanza }: Pick<ArchiveOptions, "stanza">): string[] {
  const { PGBACKREST_STANZA, PGBACKREST_CONFIG: file } = environmentOf([
    "PGBACKREST_STANZA",
    "PGBACKREST_CONFIG",
  ]);
  const name = stanza ?? PGBACKREST_STANZA;
  if (name === undefined) {
    throw new EnvironmentError("the stanza of pgBackRest is not named", {
      hint: "--stanza NAME, or PGBACKREST_STANZA; `pgbackrest info` has the names",
      exitCode: EXIT_CODES.usage,
    });
  }
  return [`--stanza=${name}`, ...(file === undefined ? [] : [`--config=${file}`])];
}

/** As pgBackRest and PostgreSQL read it. */
function timeOf(at: Date): string {
  return at.toISOString().replace("T", " ").replace("Z", "+00");
}

/** A server of a restored cluster, reached by its socket alone. */
export type ScratchServer = {
  readonly database: DatabaseUrl;
  readonly stop: () => Promise<void>;
};

/** Nothing else is in that folder. */
const PORT = 5432;
const LOG = "server.log";
const POLL_MS = 100;

/**
 * Start a server on a restored cluster and resolve when it has replayed what there is and takes a
 * client in. It archives nothing, listens on a socket in `folder` alone, which is its user's, and
 * loads no library: nothing in it may reach what the real one reaches. Throws an EnvironmentError
 * with the end of its log where it does not get there.
 */
export async function startScratchServer({
  data,
  folder,
  user,
  programsFolder,
  like,
  signal,
}: Pick<ArchiveOptions, "data" | "user" | "signal"> & {
  readonly folder: string;
  readonly programsFolder: string | null;
  /** The address whose login and database are asked for. */
  readonly like: DatabaseUrl;
}): Promise<ScratchServer> {
  const version = (await readFile(path.join(data, "PG_VERSION"), "utf8")).trim();
  const programs = await serverPrograms(Number(version), programsFolder);
  const hba = path.join(folder, "pg_hba.conf");
  const conf = path.join(folder, "postgresql.conf");
  await writeFile(hba, "local all all trust\n");
  await writeFile(conf, "");
  await Promise.all([hba, conf].map((file) => lend(file, user)));
  const args = await argumentsOf({ data, folder, hba, conf, user, programs });
  const logFile = path.join(folder, LOG);
  const server = await spawnPostmaster(path.join(programs.folder, "postgres"), args, {
    logFile,
    user,
    // For pgbackrest archive-get.
    environment: { ...environmentOf(["PATH"]), ...environmentBeginning("PGBACKREST_") },
  });
  const endWatch = await stopWithThisProcess(server.pid, user);
  const stop = async () => {
    await stopPostmaster(data);
    await server.exited;
    await endWatch();
  };
  try {
    const database = socketUrl(like, folder);
    let isGone = false;
    void server.exited.then(() => (isGone = true));
    while (!(await answers(database))) {
      signal?.throwIfAborted();
      if (isGone) {
        throw await didNotStart(logFile);
      }
      await delay(POLL_MS);
    }
    return { database, stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

async function serverPrograms(version: number, programsFolder: string | null): Promise<Programs> {
  const programs = await findPrograms("postgres", { serverMajor: version, programsFolder });
  if (programs.major !== version) {
    throw new EnvironmentError(
      `the cluster is of PostgreSQL ${version}, and there is only ${programs.major} here`,
      {
        hint: `install postgresql-${version}, or name the folder of its programs in PG_BIN_DIR`,
        exitCode: EXIT_CODES.config,
      },
    );
  }
  return programs;
}

/** What the cluster's own settings must not decide here, be they in postgresql.auto.conf. */
async function argumentsOf(given: {
  readonly data: string;
  readonly folder: string;
  readonly hba: string;
  readonly conf: string;
  readonly user: ServerUser;
  readonly programs: Programs;
}): Promise<string[]> {
  const { data, folder, hba, conf, user, programs } = given;
  const settings = {
    config_file: conf,
    hba_file: hba,
    ident_file: hba,
    data_directory: data,
    listen_addresses: "",
    unix_socket_directories: folder,
    port: String(PORT),
    ssl: "off",
    // Sessions wait for the end of the recovery; so its settings may be smaller than the primary's.
    hot_standby: "off",
    archive_mode: "off",
    shared_preload_libraries: "",
    session_preload_libraries: "",
    local_preload_libraries: "",
    primary_conninfo: "",
    synchronous_standby_names: "",
    shared_buffers: "128MB",
    huge_pages: "off",
    logging_collector: "off",
    log_destination: "stderr",
    fsync: "off",
    ...(await settingsOfCluster(data, { programs, user })),
  };
  return ["-D", data, ...Object.entries(settings).flatMap(([name, to]) => ["-c", `${name}=${to}`])];
}

/** Room for the locks of a verify, and for prepared transactions, as the primary had it. */
async function settingsOfCluster(
  data: string,
  { programs, user }: { programs: Programs; user: ServerUser },
): Promise<Record<string, string>> {
  const { stdout } = await runProgram(path.join(programs.folder, "pg_controldata"), [data], {
    user,
    environment: { LC_ALL: "C" },
  });
  const names = [
    ["max_connections setting", "max_connections"],
    ["max_prepared_xacts setting", "max_prepared_transactions"],
    ["max_locks_per_xact setting", "max_locks_per_transaction"],
  ] as const;
  const lines = stdout.split("\n").map((line) => line.split(":"));
  return Object.fromEntries(
    names.flatMap(([label, name]) => {
      const value = lines.find(([said]) => said === label)?.[1]?.trim();
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function lend(file: string, { uid, gid }: ServerUser): Promise<void> {
  if (uid !== undefined && gid !== undefined) {
    await chown(file, uid, gid);
  }
}

/** A folder that the server's user alone may pass through. */
export async function lendFolderTo(folder: string, user: ServerUser): Promise<void> {
  await chmod(folder, 0o700);
  await lend(folder, user);
}

function socketUrl(like: DatabaseUrl, folder: string): DatabaseUrl {
  const { username } = withoutHosts(like);
  return parseDatabaseUrl(
    databaseUrlOf({
      host: folder,
      port: PORT,
      database: databaseNameOf(like),
      user: username === "" ? "postgres" : decodeURIComponent(username),
      password: undefined,
    }),
  );
}

async function answers(database: DatabaseUrl): Promise<boolean> {
  const client = new DatabaseClient(clientConfig(database, "drill"));
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch (err) {
    if (isTransient(err) || hasCode(err, "ENOENT")) {
      return false;
    }
    throw err;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function didNotStart(logFile: string): Promise<EnvironmentError> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  const lines = log.trim().split("\n");
  const grave = lines.filter((line) => /(?:FATAL|PANIC|ERROR|HINT):/.test(line));
  const said = (grave.length > 0 ? grave : lines).slice(-3).join(" / ");
  return new EnvironmentError(`the restored cluster did not start: ${said}`, {
    hint: "`pgbackrest info` and `pgbackrest check` say whether the archive is whole",
    exitCode: EXIT_CODES.crash,
  });
}

/** Longer paths of a socket are refused by the system. */
const SOCKET_PATH_MAX = 80;

/** Throws an EnvironmentError for a folder that no socket fits into, or that is not there. */
export async function refuseScratchFolder(folder: string): Promise<void> {
  const fits = folder.length <= SOCKET_PATH_MAX;
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (!fits || !isThere) {
    throw new EnvironmentError(
      `expected a folder with a path of at most ${SOCKET_PATH_MAX} characters, got ${folder}`,
      { hint: "name another in --scratch", exitCode: EXIT_CODES.usage },
    );
  }
}
