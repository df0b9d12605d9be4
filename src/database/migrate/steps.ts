/** The steps of a migration, each under the lock of the migrators; migrate.ts has their order. */
import pRetry from "p-retry";
import { recordEvent, watchServer } from "../audit.ts";
import type { DatabaseClient } from "../connection.ts";
import { type Database, DEFAULT_SCHEMA, inSchema, withSchema } from "../database.ts";
import { readObjects } from "../privileges/catalog.ts";
import { closeNewObjects } from "../privileges/compare.ts";
import {
  readObstacles,
  type SettledPrivileges,
  settlePrivileges,
  tellOfRoles,
} from "../privileges/settle.ts";
import { settleRoles } from "../roles/roles.ts";
import { refuseStrangers } from "../roles/strangers.ts";
import { compatSchema, prepareCompatSchema, refuseCompatAsQueue } from "../schema/compat.ts";
import { type Migration, readGrants, readRepeatables } from "../schema/sql-files.ts";
import { REPEATABLES, readSchemaState, refuseUnusable, WITHOUT_COMPAT } from "../schema/state.ts";
import { codeOf, isKeptLock, LOCK_NOT_AVAILABLE } from "../sqlstate.ts";
import { inTransaction } from "../transaction.ts";
import { LOCK_WAIT_MS, takeMigratorsLock } from "./lock.ts";
import { adoptTables, type Losses, readLosses, refuseHalfRestored } from "./restored.ts";

export type MigrateOptions = {
  readonly schema?: string;
  /** The start of the roles' names. @default those in use, else schema_database */
  readonly rolePrefix?: string | null;
  /** Called after each step that changed something, with its name. */
  readonly onApplied?: (name: string) => void;
  /** Called with the name of an object that was missing, and is there again. */
  readonly onRestored?: (what: string) => void;
  /** Called with a failure that does not stop the queue from working. */
  readonly onWarning?: (message: string) => void;
  /** Milliseconds to wait for a session that keeps the lock of the migrators. @default 10000 */
  readonly lockWaitMs?: number;
  /** How often a step tries again that cannot have the lock of a table. @default 10 */
  readonly lockRetries?: number;
};

/** How long a step waits for a lock: the writers behind it never queue for longer. */
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_RETRIES = 10;
/** Makes the audit log. */
const FIRST_WITH_AUDIT = "0024";

export class MigrationSteps {
  readonly #client: DatabaseClient;
  readonly #schema: string;
  readonly #rolePrefix: string | null;
  readonly #lockWaitMs: number;
  readonly #lockRetries: number;
  readonly #db: Database;
  #rolesWereThere = false;

  constructor(client: DatabaseClient, options: MigrateOptions) {
    const { schema = DEFAULT_SCHEMA } = options;
    this.#client = client;
    this.#schema = schema;
    this.#rolePrefix = options.rolePrefix ?? null;
    this.#lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS;
    this.#lockRetries = options.lockRetries ?? LOCK_RETRIES;
    this.#db = inSchema(client, schema);
  }

  /**
   * Make the schema and the table of migrations. Refuses a database that must stay as it is, and
   * a schema in which anything is a stranger's, before it reads one of its tables: a view of that
   * name would run what the stranger wrote.
   */
  async prepare(): Promise<void> {
    // Views keep the functions that their names meant here; those of a stranger may fit better.
    await this.#client.query("set search_path to pg_catalog, pg_temp");
    // Rows that row security hides make an error, in place of another result.
    await this.#client.query("set row_security to off");
    await refuseStrangers(this.#db, { schema: this.#schema });
    await refuseCompatAsQueue(this.#db);
    const compat = compatSchema(this.#schema);
    if (compat !== null) {
      await refuseStrangers(this.#db, { schema: compat });
    }
    await this.mendAccess("schema_migrations");
    refuseUnusable(await this.#readState());
    await this.run(async () => {
      await this.#client.query("set local client_min_messages to warning");
      await this.#making(async () => await this.#makeSchema());
    });
  }

  async #makeSchema(): Promise<void> {
    const { rows } = await this.#client.query<{ exists: boolean }>(
      "select to_regnamespace($1) is not null as exists",
      [this.#schema],
    );
    // Asked first: `if not exists` wants the right to create even where it does nothing.
    if (rows[0]?.exists === false) {
      await this.#client.query(`create schema ${this.#schema}`);
    }
    await this.#query(`create table if not exists triaged.schema_migrations (
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now(),

      constraint schema_migrations_pkey primary key (name)
    )`);
  }

  /**
   * Apply those that were not applied before, each in its own transaction, so that it keeps the
   * locks of tables for no longer than it needs. In a new schema nobody waits for a lock, and where
   * nothing of a platform changes what is made (default privileges, event triggers), nothing needs
   * a look before the next: all are one transaction, which takes half the time (0.6 s, not 1.3).
   */
  async applyMigrations(
    migrations: readonly Migration[],
    onApplied?: (name: string) => void,
  ): Promise<void> {
    const { rows } = await this.#client.query<{ applied: string[]; isPlain: boolean }>(
      withSchema(
        `select
           array(select name || ' ' || checksum from triaged.schema_migrations) as applied,
           not exists (select from pg_default_acl)
             and not exists (select from pg_event_trigger) as "isPlain"`,
        this.#schema,
      ),
    );
    const { applied = [], isPlain = false } = rows[0] ?? {};
    const known = new Set(applied);
    // Those that were applied take no turn at the lock.
    const missing = migrations.filter(({ name, checksum }) => !known.has(`${name} ${checksum}`));
    const steps = known.size === 0 && isPlain ? [missing] : missing.map((migration) => [migration]);
    for (const step of steps) {
      for (const { name } of await this.#applyTogether(step)) {
        onApplied?.(name);
      }
    }
  }

  async #applyTogether(migrations: readonly Migration[]): Promise<readonly Migration[]> {
    return await this.run(async () => {
      const pending: Migration[] = [];
      for (const migration of migrations) {
        if ((await this.#checksumOf(migration.name)) !== migration.checksum) {
          pending.push(migration);
        }
      }
      if (pending.length > 0) {
        await this.#making(async () => {
          for (const { text, name, checksum } of pending) {
            await this.#client.query(text);
            await this.#record(name, checksum);
          }
        });
      }
      return pending;
    });
  }

  /** False where no tables are there without their record. */
  async adoptTables(): Promise<boolean> {
    return await this.run(async () => await adoptTables(this.#db));
  }

  /**
   * How the schema differs from the shipped one. Refuses what cannot be used. Without the lock,
   * under which many that come at once would wait for each other's look.
   */
  async examine(): Promise<Losses> {
    const losses = await inTransaction(this.#client, async () => {
      await this.#client.query(AS_WRITTEN);
      return await readLosses(this.#db);
    });
    refuseHalfRestored(this.#db, losses);
    return losses;
  }

  /** False where the newest were applied before. */
  async applyRepeatables(onWarning?: (message: string) => void): Promise<boolean> {
    const { checksum } = readRepeatables(this.#schema);
    return await this.run(async () => {
      const before = await this.#checksumOf(REPEATABLES);
      if (before === checksum) {
        return false;
      }
      const applied = await this.#makeRepeatables(onWarning);
      await this.#record(REPEATABLES, applied);
      return applied !== before;
    });
  }

  /** Make again what was applied before and is not there. Returns what that was. */
  async restore(seen: Losses, onWarning?: (message: string) => void): Promise<readonly string[]> {
    // Of many that come at once, one has made it since. To learn that, they need not queue.
    if (seen.mendable.length === 0 || (await this.examine()).mendable.length === 0) {
      return [];
    }
    return await this.run(async () => {
      // Somebody else may have made it while this one waited.
      const { mendable } = await readLosses(this.#db);
      if (mendable.length === 0 || !(await this.#mend(mendable, onWarning))) {
        return [];
      }
      await recordEvent(this.#db, "migration.mended", { restored: mendable });
      return mendable;
    });
  }

  /** Returns which sequences were behind the rows. */
  async mendSequences(): Promise<readonly string[]> {
    return await this.run(async () => {
      const { rows } = await this.#query(
        "select id_column, newest_id from triaged.mend_sequences()",
      );
      return rows.map(
        ({ id_column, newest_id }) => `sequence of ${id_column}: set to ${newest_id}`,
      );
    });
  }

  /** Write to the audit log who has got or lost a role of the queue. */
  async watchServer(): Promise<void> {
    await this.run(async () => await watchServer(this.#db));
  }

  /** Give our roles their rights, and take from others those that harm. */
  async settlePrivileges(): Promise<SettledPrivileges> {
    const settled = await this.run(
      async () => await settlePrivileges(this.#db, { prefix: this.#rolePrefix }),
    );
    return { ...settled, wereThere: this.#rolesWereThere || settled.wereThere };
  }

  /**
   * Have the owner find all rows of its tables again, or of one: else the rest reads and writes
   * half of them. Returns what was done.
   */
  async mendAccess(table?: string): Promise<string[]> {
    const mended: string[] = [];
    for (const { said, statement } of await readObstacles(this.#db, table)) {
      // One by one: each takes the lock of its table.
      await this.run(async () => await this.#client.query(statement));
      mended.push(said);
    }
    return mended;
  }

  /** Warnings about the roles for the user who migrates. */
  async tellOfRoles(settled: SettledPrivileges, { isGranted }: { isGranted: boolean }) {
    return await tellOfRoles(this.#db, settled, { chosen: this.#rolePrefix, isGranted });
  }

  /** False where somebody has made another thing of the same name, which no statement replaces. */
  async #mend(
    mendable: readonly string[],
    onWarning?: (message: string) => void,
  ): Promise<boolean> {
    await this.#client.query("savepoint repeatables");
    try {
      await this.#makeRepeatables(onWarning);
      return true;
    } catch (err) {
      if (!(codeOf(err) ?? "").startsWith("42") || !(err instanceof Error)) {
        throw err;
      }
      await this.#client.query("rollback to savepoint repeatables");
      onWarning?.(`${mendable.join("; ")}; they cannot be made again: ${err.message}`);
      return false;
    }
  }

  /** Returns the checksum of what was made. */
  async #makeRepeatables(onWarning?: (message: string) => void): Promise<string> {
    const { text, compat, checksum } = readRepeatables(this.#schema);
    // A function may name another one of a later file.
    await this.#client.query("set local check_function_bodies to off");
    await this.#making(async () => await this.#client.query(text));
    // It uses functions of the queue, which its owner may call by now, whatever the defaults are.
    const withoutCompat = await this.#making(async () => {
      const whyNot = await prepareCompatSchema(this.#db);
      if (whyNot === null) {
        await this.#client.query(compat);
      }
      return whyNot;
    });
    if (withoutCompat !== null) {
      onWarning?.(withoutCompat);
    }
    // Here, so that workers never meet a function without its grants.
    const { roles, missing, wereThere } = await settleRoles(this.#db, { prefix: this.#rolePrefix });
    this.#rolesWereThere = wereThere;
    if (missing.length === 0) {
      await this.#client.query(readGrants(this.#schema, "queue", roles));
      if (withoutCompat === null) {
        await this.#client.query(readGrants(this.#schema, "compat", roles));
      }
    }
    return checksum + (withoutCompat === null ? "" : WITHOUT_COMPAT);
  }

  /** One step: the migrators' lock, then a transaction that waits for no other lock for long. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    return await pRetry(
      () =>
        inTransaction(this.#client, async () => {
          await takeMigratorsLock(this.#client, this.#schema, { waitMs: this.#lockWaitMs });
          await this.#client.query(`set local lock_timeout to ${LOCK_TIMEOUT_MS}`);
          await this.#client.query(AS_WRITTEN);
          return await work();
        }),
      {
        retries: this.#lockRetries,
        minTimeout: 200,
        maxTimeout: 5_000,
        randomize: true,
        shouldRetry: ({ error }) => codeOf(error) === LOCK_NOT_AVAILABLE && !isKeptLock(error),
      },
    );
  }

  /** Objects that `work` makes are their owner's alone, whatever default privileges there are. */
  async #making<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = await readObjects(this.#db);
    const result = await work();
    await closeNewObjects(this.#db, before);
    return result;
  }

  async #checksumOf(name: string): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ checksum: string }>(
      withSchema("select checksum from triaged.schema_migrations where name = $1", this.#schema),
      [name],
    );
    return rows[0]?.checksum;
  }

  async #record(name: string, checksum: string): Promise<void> {
    await this.#query(
      `insert into triaged.schema_migrations as known (name, checksum) values ($1, $2)
       on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`,
      [name, checksum],
    );
    // In the transaction of its effect. The rows of those before are made by that one.
    if (name >= FIRST_WITH_AUDIT) {
      await this.#query(
        `insert into triaged.audit_logs (occurred_at, event_type, severity, actor, login, details)
         values (now(), 'migration.applied', 'info', session_user, session_user,
           jsonb_build_object('migration', $1::text))`,
        [name],
      );
    }
  }

  async #readState() {
    return await readSchemaState(this.#db);
  }

  async #query(text: string, values: readonly unknown[] = []) {
    return await this.#client.query(withSchema(text, this.#schema), [...values]);
  }
}

/**
 * What is made keeps how it was read, and how it was printed. A default tablespace that is that of
 * the database anyway is refused for partitioned tables.
 */
const AS_WRITTEN = `
  set local standard_conforming_strings to on;
  set local quote_all_identifiers to off;
  set local transform_null_equals to off;
  select set_config('default_tablespace', '', true)
  from pg_database join pg_tablespace on pg_tablespace.oid = dattablespace
  where datname = current_database() and spcname = current_setting('default_tablespace')`;
