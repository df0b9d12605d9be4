/** A drill: the newest backup restored beside the running server, and how long that took. */
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import {
  countHistoryAfter,
  makeScratchDatabase,
  type RowCounts,
  readReplayedUntil,
  readRowCounts,
} from "../database/backup.ts";
import { DatabaseClient } from "../database/connection.ts";
import { inSchema } from "../database/database.ts";
import { chooseServerUser } from "../database/embedded/home.ts";
import { withDatabaseName } from "../database/libpq.ts";
import { migrateSchema } from "../database/migrate/migrate.ts";
import { clientConfig } from "../database/pool.ts";
import { readRoles } from "../database/roles/roles.ts";
import type { Report } from "../database/verify/verify.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import {
  lendFolderTo,
  refuseScratchFolder,
  restoreArchive,
  startScratchServer,
} from "./archive.ts";
import { restoreDump, secondsBetween, verifyRestored } from "./restore-dump.ts";
import { damageOf, listStored, type Stored } from "./store.ts";

type DrillOptions = {
  /** That of the running queue; not a pooler. */
  readonly database: DatabaseUrl;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
};

export type Drill = {
  /** All rows are there, and the audit holds. */
  readonly ok: boolean;
  readonly source: "dump" | "archive";
  /** The file of the dump, or the moment that the archive went to. */
  readonly backup: string;
  readonly began_at: Date;
  /** The moment that came back: what was committed later would be lost. */
  readonly shows: Date;
  readonly rpo_seconds: number;
  /** From the first step until the audit was looked at. */
  readonly rto_seconds: number;
  readonly seconds: { readonly restore: number; readonly migrate: number; readonly verify: number };
  /**
   * Rows of history of the running queue that the backup has not; null where it does not answer.
   */
  readonly history_rows_lost: number | null;
  readonly counts: RowCounts;
  readonly differences: readonly string[];
  readonly verify: Report;
};

/**
 * Restore the newest dump that is whole into a database beside that of the queue, and drop it
 * again. Throws an EnvironmentError where there is none, or where the role may not create a
 * database.
 */
export async function drillDump(folder: string, options: DrillOptions): Promise<Drill> {
  const { database, config, signal, onStep } = options;
  const beganAt = new Date();
  const stored = await newestWhole(folder, config.schema, onStep);
  const scratch = await makeScratchDatabase(database, config.schema);
  try {
    const began = performance.now();
    const roles = await readRoles(inSchema(scratch.client, config.schema));
    const restored = await restoreDump({
      dump: stored,
      into: withDatabaseName(database, scratch.name),
      // Its own roles would be of the whole server, and stay.
      config: { ...config, rolePrefix: roles?.prefix ?? config.rolePrefix },
      signal,
      onStep,
    });
    const { manifest } = stored;
    return {
      source: "dump",
      backup: stored.path,
      began_at: beganAt,
      shows: manifest.at,
      rpo_seconds: (beganAt.getTime() - manifest.at.getTime()) / 1_000,
      rto_seconds: secondsBetween(began, performance.now()),
      history_rows_lost: await countHistoryAfter(
        scratch.client,
        config.schema,
        manifest.counts.newest_history_id ?? "0",
      ),
      ...restored,
    };
  } finally {
    await scratch.drop();
  }
}

async function newestWhole(
  folder: string,
  schema: string,
  onStep: DrillOptions["onStep"],
): Promise<Stored> {
  for (const stored of await listStored(folder)) {
    if (stored.manifest.schema === schema) {
      const fault = await damageOf(stored);
      if (fault === null) {
        return stored;
      }
      onStep(`warning: passed over: ${fault}`);
    }
  }
  throw new EnvironmentError(`there is no whole dump of schema ${schema} in ${folder}`, {
    hint: "`triaged backup` makes one",
    exitCode: EXIT_CODES.config,
  });
}

/** What a drill of the archive is told beside the rest. */
type ArchiveDrillOptions = DrillOptions & {
  readonly stanza: string | undefined;
  readonly target: Date | null;
  /** Has room for the cluster. */
  readonly scratch: string;
};

/**
 * Have pgBackRest restore the cluster into a folder, start a server there that nobody else
 * reaches, and remove both again. The running server need not answer. Throws an EnvironmentError
 * for what fails.
 */
export async function drillArchive(options: ArchiveDrillOptions): Promise<Drill> {
  const { config, database, stanza, target, signal, onStep } = options;
  await refuseScratchFolder(options.scratch);
  const folder = await mkdtemp(path.join(options.scratch, "triaged-drill-"));
  const user = await chooseServerUser(path.join(folder, "data"));
  const data = path.join(folder, "data");
  const beganAt = new Date();
  const began = performance.now();
  try {
    await lendFolderTo(folder, user);
    onStep(`restoring into ${folder}`);
    // Tablespaces, too, go there, and not over those of the running server.
    const more = ["--archive-mode=off", `--tablespace-map-all=${path.join(folder, "tablespaces")}`];
    await restoreArchive({ stanza, data, target, user, more, signal });
    onStep("replaying the archive");
    const server = await startScratchServer({
      data,
      folder,
      user,
      programsFolder: config.backup.programsFolder,
      like: database,
      signal,
    });
    try {
      const restoredAt = performance.now();
      const found = await lookAt(server.database, { config, signal, onStep });
      const endedAt = performance.now();
      const shows = found.until ?? found.counts.newest_history_at ?? beganAt;
      return {
        ok: found.verify.ok,
        source: "archive",
        backup: shows.toISOString(),
        began_at: beganAt,
        shows,
        rpo_seconds: (beganAt.getTime() - shows.getTime()) / 1_000,
        rto_seconds: secondsBetween(began, endedAt),
        seconds: {
          restore: secondsBetween(began, restoredAt),
          migrate: secondsBetween(restoredAt, found.migratedAt),
          verify: secondsBetween(found.migratedAt, endedAt),
        },
        history_rows_lost: await lostSince(database, config.schema, found.counts),
        counts: found.counts,
        differences: [],
        verify: found.verify,
      };
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function lookAt(
  database: DatabaseUrl,
  { config, signal, onStep }: Pick<DrillOptions, "config" | "signal" | "onStep">,
) {
  const client = new DatabaseClient(clientConfig(database, "drill"));
  client.on("error", () => undefined);
  await client.connect();
  try {
    const until = await readReplayedUntil(client);
    const counts = await readRowCounts(client, config.schema);
    onStep("migrating");
    await migrateSchema(clientConfig(database, "drill"), {
      schema: config.schema,
      rolePrefix: config.rolePrefix,
      onWarning: (message) => onStep(`warning: ${message}`),
    });
    const migratedAt = performance.now();
    signal.throwIfAborted();
    onStep("verifying");
    const verify = await verifyRestored(database, config.schema, config);
    return { until, counts, migratedAt, verify };
  } finally {
    await client.end();
  }
}

/** Null where the running server does not answer. */
async function lostSince(
  database: DatabaseUrl,
  schema: string,
  { newest_history_id: newest }: RowCounts,
): Promise<number | null> {
  const client = new DatabaseClient(clientConfig(database, "drill"));
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await countHistoryAfter(client, schema, newest ?? "0");
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}
