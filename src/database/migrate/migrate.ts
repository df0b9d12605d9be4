/** `triaged migrate`: the steps in their order. */
import type { ClientConfig, DatabaseError } from "pg";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import { packageVersion } from "../../system/package-folder.ts";
import { recordEvent } from "../audit.ts";
import { DatabaseClient } from "../connection.ts";
import { type Database, DEFAULT_SCHEMA, inSchema } from "../database.ts";
import { createPartitions } from "../retention.ts";
import type { Roles } from "../roles/role-names.ts";
import { readMigrations } from "../schema/sql-files.ts";
import { REPEATABLES } from "../schema/state.ts";
import { codeOf, isKeptLock, LOCK_NOT_AVAILABLE } from "../sqlstate.ts";
import { heldTables } from "./lock.ts";
import { type MigrateOptions, MigrationSteps } from "./steps.ts";

const DAYS_AHEAD = 7;
/** Of a message, in the audit log. */
const ERROR_LENGTH_MAX = 1_000;

type Migrated = {
  /** Null where they cannot be made: the queue is its owner's alone then. */
  readonly roles: Roles | null;
  /** Whether this user may grant them. */
  readonly mayGrant: boolean;
};

/**
 * Bring the schema up to this version of the code: numbered migrations, each in its own
 * transaction, then functions, views, triggers and grants, then the rights as they are there, then
 * the partitions of the next days. What was applied before is compared with what is there, since a
 * dump may have been restored without it. Idempotent, and safe to run many times at once: each
 * step holds one advisory lock and looks again. Throws an EnvironmentError for a database that it
 * must not touch, and for a session that keeps a lock of ours for no reason. A partition that
 * cannot be made is a warning: its rows have a place without it.
 */
export async function migrateSchema(
  connection: ClientConfig,
  options: MigrateOptions = {},
): Promise<Migrated> {
  const { schema = DEFAULT_SCHEMA, onWarning } = options;
  const client = new DatabaseClient(connection);
  // The query under way reports the loss of the connection.
  client.on("error", () => undefined);
  await client.connect();
  let isPrepared = false;
  try {
    const step = new MigrationSteps(client, options);
    await step.prepare();
    isPrepared = true;
    const migrated = await takeSteps(step, options);
    const { errors } = await createPartitions(inSchema(client, schema), { daysAhead: DAYS_AHEAD });
    for (const { message } of errors) {
      onWarning?.(`a partition cannot be made, and the jobs will try again: ${message}`);
    }
    return migrated;
  } catch (err) {
    const told = await explained(client, schema, err);
    // Before that, what is called like ours may be a stranger's.
    if (isPrepared) {
      await tellFailure(inSchema(client, schema), told);
    }
    throw told;
  } finally {
    await client.end();
  }
}

async function takeSteps(step: MigrationSteps, options: MigrateOptions): Promise<Migrated> {
  const { schema = DEFAULT_SCHEMA, onApplied, onRestored, onWarning } = options;
  for (const mended of await step.mendAccess()) {
    onWarning?.(mended);
  }
  if (await step.adoptTables()) {
    onRestored?.("the record of the migrations, whose tables were there");
  }
  await step.applyMigrations(readMigrations(schema), onApplied);
  const losses = await step.examine();
  const isNewer = await step.applyRepeatables(onWarning);
  if (isNewer) {
    onApplied?.(REPEATABLES);
  } else {
    for (const what of await step.restore(losses, onWarning)) {
      onRestored?.(what);
    }
  }
  for (const what of await step.mendSequences()) {
    onRestored?.(what);
  }
  for (const what of losses.other) {
    onWarning?.(`${what}; restore the post-data section of the dump, or see sql/migrations`);
  }
  return await settleRights(step, { isNewer }, options);
}

async function explained(client: DatabaseClient, schema: string, err: unknown): Promise<unknown> {
  if (isKeptLock(err)) {
    return keptLock(err);
  }
  return err instanceof Error && codeOf(err) === LOCK_NOT_AVAILABLE
    ? await heldTables(client, schema, err)
    : err;
}

/** Where there is an audit log so far, and the connection still is. */
async function tellFailure(db: Database, err: unknown): Promise<void> {
  const error = err instanceof Error ? err.message.slice(0, ERROR_LENGTH_MAX) : String(err);
  await recordEvent(db, "migration.failed", { error, triaged: packageVersion() }).catch(
    () => undefined,
  );
}

async function settleRights(
  step: MigrationSteps,
  { isNewer }: { isNewer: boolean },
  { onApplied, onWarning }: MigrateOptions,
): Promise<Migrated> {
  const settled = await step.settlePrivileges();
  if (settled.isGranted && !isNewer) {
    onApplied?.("grants");
  }
  if (settled.isGranted || isNewer) {
    await step.watchServer();
  }
  const { mayGrant, told } = await step.tellOfRoles(settled, {
    isGranted: isNewer || settled.isGranted,
  });
  for (const warning of [...settled.told, ...told]) {
    onWarning?.(warning);
  }
  return { roles: settled.missing.length > 0 ? null : settled.roles, mayGrant };
}

function keptLock(err: DatabaseError): EnvironmentError {
  return new EnvironmentError(err.message, {
    hint: err.hint ?? "try again",
    exitCode: EXIT_CODES.databaseUnreachable,
    cause: err,
  });
}
