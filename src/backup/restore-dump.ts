/** A dump back into a database: read, migrated, compared with what it was, verified. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import {
  type Contents,
  majorOf,
  type RowCounts,
  readContents,
  readRowCounts,
  schemasOf,
  setSchemasAside,
  takeSchemasBack,
} from "../database/backup.ts";
import { DatabaseClient } from "../database/connection.ts";
import { inSchema } from "../database/database.ts";
import { jobsSchemaOf } from "../database/graphile-tables.ts";
import { conninfoOf, libpqEnvironment } from "../database/libpq.ts";
import { migrateSchema } from "../database/migrate/migrate.ts";
import { clientConfig, openPool } from "../database/pool.ts";
import { readRoles } from "../database/roles/roles.ts";
import { readSchemaState, refuseUnusable } from "../database/schema/state.ts";
import { withSnapshot } from "../database/transaction.ts";
import { type Report, verifyAudit } from "../database/verify/verify.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { createLogger } from "../system/logger.ts";
import { explained, readTableOfContents } from "./make-backup.ts";
import { findPrograms, runProgram } from "./programs.ts";
import { damageOf, type Stored } from "./store.ts";
import { tellAuditLog, toldError } from "./tell-audit-log.ts";

/** pg_restore beyond that waits for the disk. */
const JOBS_MAX = 4;
const VERIFY_MS_MAX = 600_000;
/** How migrate begins to tell that it took rights away that came with no grants. */
const EXPECTED = "revoked what nobody needs: execute on function";
/** Names of schemas, in bytes. */
const NAME_LENGTH_MAX = 63;

export type RestoreOptions = {
  /** The dump; without a manifest, only its path and schema are known. */
  readonly dump: Stored | { readonly path: string; readonly manifest: null };
  readonly into: DatabaseUrl;
  readonly config: Pick<Config, "schema" | "rolePrefix" | "pool" | "backup" | "logLevel">;
  /** The name of the database, typed by whoever knows that there is something in it. */
  readonly replace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with what is done next, and with what migrate warns of. */
  readonly onStep?: (what: string) => void;
};

export type Restored = {
  /** All rows that the dump has are there, and the audit holds. */
  readonly ok: boolean;
  readonly counts: RowCounts;
  /** How the rows differ from the manifest, as sentences. */
  readonly differences: readonly string[];
  readonly verify: Report;
  /** Schemas that were there before, under the names that they have now. */
  readonly set_aside: readonly string[];
  readonly seconds: { readonly restore: number; readonly migrate: number; readonly verify: number };
};

/**
 * Restore a dump into a database that is empty, or whose name is given as `replace`: then the queue
 * that is there is renamed first. A restore that fails drops what it made and gives the old names
 * back. Throws an EnvironmentError for a dump that is not whole, for a database that is not empty,
 * and while workers or jobs are connected to it.
 */
export async function restoreDump(options: RestoreOptions): Promise<Restored> {
  const { dump, into, config } = options;
  const queue = { database: into, schema: dump.manifest?.schema ?? config.schema };
  const of = { dump: path.basename(dump.path), at: dump.manifest?.at.toISOString() ?? null };
  try {
    const restored = await restore(options);
    const { ok, set_aside } = restored;
    await tellAuditLog(queue, "restore.performed", { ...of, ok, set_aside });
    return restored;
  } catch (err) {
    // Where the old queue is there again, or never left.
    await tellAuditLog(queue, "restore.failed", { ...of, error: toldError(err) });
    throw err;
  }
}

async function restore(options: RestoreOptions): Promise<Restored> {
  const { dump, into, config, onStep } = options;
  await refuseBroken(dump);
  const schema = dump.manifest?.schema ?? config.schema;
  const client = new DatabaseClient(clientConfig(into, "restore"));
  client.on("error", () => undefined);
  await client.connect();
  try {
    const db = inSchema(client, schema);
    // The server alone: a queue that is there may be of any version, and leaves.
    refuseUnusable({ ...(await readSchemaState(db)), unknown: [], changed: [] });
    const contents = await readContents(client);
    refuseFilled(contents, options);
    // An application's own jobs may be in the schema of graphile-worker: where one is, it stays.
    const kept = contents.filled.filter((name) => name === jobsSchemaOf(schema));
    const schemas = (dump.manifest?.schemas ?? schemasOf(schema)).filter(
      (name) => !kept.includes(name),
    );
    const beganAt = performance.now();
    // Logins have been granted these.
    const rolePrefix = config.rolePrefix ?? (await readRoles(db))?.prefix ?? null;
    const aside = await setSchemasAside(client, schemas, asideName);
    let migratedAt: number;
    let restoredAt: number;
    try {
      onStep?.(`restoring ${dump.path} into ${contents.database}`);
      await runRestore(contents, client, { ...options, kept });
      restoredAt = performance.now();
      onStep?.("migrating");
      await migrateSchema(clientConfig(into, "migrate"), {
        schema,
        rolePrefix,
        // Without privileges, functions come as everybody's. Told each time, it would hide the
        // rest.
        onWarning: (message) =>
          message.startsWith(EXPECTED) ? undefined : onStep?.(`warning: ${message}`),
      });
      migratedAt = performance.now();
    } catch (err) {
      await takeSchemasBack(client, schemas, aside);
      throw explained(err, "nothing of it is kept in that database; read what pg_restore said");
    }
    onStep?.("verifying");
    const counts = await readRowCounts(client, schema);
    const verify = await verifyRestored(into, schema, config);
    const differences = dump.manifest === null ? [] : differencesOf(dump.manifest.counts, counts);
    return {
      ok: verify.ok && differences.length === 0,
      counts,
      differences,
      verify,
      set_aside: aside.map(({ name }) => name),
      seconds: {
        restore: secondsBetween(beganAt, restoredAt),
        migrate: secondsBetween(restoredAt, migratedAt),
        verify: secondsBetween(migratedAt, performance.now()),
      },
    };
  } finally {
    await client.end();
  }
}

async function refuseBroken(dump: RestoreOptions["dump"]): Promise<void> {
  const fault = dump.manifest === null ? null : await damageOf(dump);
  if (fault !== null) {
    throw new EnvironmentError(fault, {
      hint: "take another one: `triaged backup verify` looks at all of them",
      exitCode: EXIT_CODES.config,
    });
  }
}

function refuseFilled(contents: Contents, { replace }: RestoreOptions): void {
  const { database, filled, sessions } = contents;
  if (replace !== undefined && replace !== database) {
    throw new EnvironmentError(`--replace names ${replace}, and the database is ${database}`, {
      hint: "type the name of the database that may be replaced",
      exitCode: EXIT_CODES.usage,
    });
  }
  if (replace === undefined && filled.length > 0) {
    throw new EnvironmentError(
      `database ${database} is not empty: there is something in schema ${filled.slice(0, 5).join(", ")}`,
      {
        hint:
          `create database … encoding 'UTF8' template template0, and restore into that; or say ` +
          `--replace ${database}: the queue that is there is renamed, and all else left alone`,
        exitCode: EXIT_CODES.config,
      },
    );
  }
  if (sessions.length > 0) {
    throw new EnvironmentError(
      `others are connected to database ${database}: ${sessions.slice(0, 5).join(", ")}`,
      {
        hint: "stop workers, jobs and the gateway first: they must not run on",
        exitCode: EXIT_CODES.databaseUnreachable,
      },
    );
  }
}

async function runRestore(
  { server_version_number: version, database }: Contents,
  client: DatabaseClient,
  { dump, into, config, signal, kept }: RestoreOptions & { readonly kept: readonly string[] },
): Promise<void> {
  const programs = await findPrograms("pg_restore", {
    // Not older than what wrote the dump, either.
    serverMajor: Math.max(
      majorOf(version),
      dump.manifest === null ? 0 : Number.parseInt(dump.manifest.pg_dump, 10),
    ),
    programsFolder: config.backup.programsFolder,
  });
  const contents = await readTableOfContents(dump.path, programs, signal);
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-restore-"));
  try {
    const list = path.join(folder, "list");
    await writeFile(list, contents.filter((line) => !makesSchema(line, kept)).join("\n"));
    const args = [
      "--no-owner",
      "--no-privileges",
      "--exit-on-error",
      "--no-password",
      `--jobs=${Math.min(JOBS_MAX, availableParallelism())}`,
      `--use-list=${list}`,
      ...kept.map((name) => `--exclude-schema=${name}`),
      `--dbname=${conninfoOf(database)}`,
      dump.path,
    ];
    await runProgram(path.join(programs.folder, "pg_restore"), args, {
      environment: libpqEnvironment(into, {
        at: { host: client.host, port: client.port },
        major: programs.major,
      }),
      signal,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `8; 2615 17512 SCHEMA - graphile_worker postgres`, and its comment: no option leaves them out. */
function makesSchema(line: string, schemas: readonly string[]): boolean {
  return schemas.some(
    (schema) => line.includes(` SCHEMA - ${schema} `) || line.includes(` - SCHEMA ${schema} `),
  );
}

/** By the second, so that two restores of one day do not meet. */
function asideName(schema: string): string {
  const suffix = `_before_${new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14)}`;
  return schema.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix;
}

/** On one state of the database, as `triaged verify` does. */
export async function verifyRestored(
  database: DatabaseUrl,
  schema: string,
  { pool: settings, logLevel }: Pick<Config, "pool" | "logLevel">,
): Promise<Report> {
  const pool = openPool(database, {
    role: "restore verify",
    pool: { ...settings, max: 1 },
    logger: createLogger({ level: logLevel, name: "restore" }),
  });
  try {
    return await withSnapshot(pool, schema, (db) =>
      verifyAudit(db, { sinceMs: null, limitMs: VERIFY_MS_MAX }),
    );
  } finally {
    await pool.end();
  }
}

/** What is there less, or more, than the manifest says. */
function differencesOf(expected: RowCounts, found: RowCounts): string[] {
  const statuses = new Set([...Object.keys(expected.tasks), ...Object.keys(found.tasks)]);
  return [
    ...[...statuses].map((status) => ({
      what: `${status} tasks`,
      had: expected.tasks[status] ?? 0,
      has: found.tasks[status] ?? 0,
    })),
    { what: "rows of history", had: expected.history_rows, has: found.history_rows },
  ]
    .filter(({ had, has }) => had !== has)
    .map(({ what, had, has }) => `${had} ${what} in the dump, ${has} in the database`);
}

export function secondsBetween(beganAt: number, endedAt: number): number {
  return Math.round(endedAt - beganAt) / 1_000;
}
