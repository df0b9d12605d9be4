/** A dump of the queue: made, looked at, kept, sent on, and old ones deleted. */
import { rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import pRetry from "p-retry";
import { type HeldSnapshot, holdBackupSnapshot, majorOf } from "../database/backup.ts";
import { conninfoOf, libpqEnvironment } from "../database/libpq.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { BackupConfig } from "../settings/backup.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { packageVersion } from "../system/package-folder.ts";
import { sleep } from "../system/waiting.ts";
import { findPrograms, ProgramError, type Programs, runProgram } from "./programs.ts";
import {
  expireStored,
  filesOf,
  isSent,
  listStored,
  markSent,
  nameOf,
  openStore,
  partialPath,
  type Stored,
  storeDump,
} from "./store.ts";
import { tellAuditLog, toldError } from "./tell-audit-log.ts";

/** What locks a table for longer fails the dump, which is tried again by whoever wanted it. */
const LOCK_WAIT_MS = 60_000;
const PROGRESS_MS = 5_000;
const UPLOAD_MS_MAX = 3_600_000;

export type BackupOptions = {
  /** Not a pooler: a snapshot is of one session. */
  readonly database: DatabaseUrl;
  readonly schema: string;
  readonly config: BackupConfig;
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how many bytes are written. */
  readonly onProgress?: (bytes: number) => void;
};

export type BackupResult = {
  readonly stored: Stored;
  readonly uploaded: boolean;
  /** Files of dumps that were too old. */
  readonly expired: readonly string[];
};

/**
 * Dump the queue's schemas into the folder. One that fails leaves nothing there, and deletes
 * nothing. Throws an EnvironmentError that says what failed: no pg_dump, another backup, the
 * folder, the upload.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupResult> {
  const { database, schema, folder } = options;
  try {
    const made = await make(options);
    const { path: file, manifest } = made.stored;
    const details = { file, bytes: manifest.bytes, uploaded: made.uploaded };
    await tellAuditLog({ database, schema }, "backup.made", details);
    return made;
  } catch (err) {
    await tellAuditLog({ database, schema }, "backup.failed", { folder, error: toldError(err) });
    throw err;
  }
}

async function make(options: BackupOptions): Promise<BackupResult> {
  const { database, schema, config, folder } = options;
  await openStore(folder);
  const snapshot = await holdBackupSnapshot(database, schema);
  let stored: Stored;
  try {
    const programs = await findPrograms("pg_dump", {
      serverMajor: majorOf(snapshot.server_version_number),
      programsFolder: config.programsFolder,
    });
    stored = await dump(snapshot, programs, options);
  } finally {
    await snapshot.release();
  }
  return await finish(stored, options);
}

/** A dump of less than so long ago that was not sent is sent, in place of another dump. */
const SENT_LATER_MS = 12 * 3_600_000;

/** The same for a job, which is tried again by itself where only the upload failed. */
export async function makeOrSendBackup(options: BackupOptions): Promise<BackupResult> {
  const { schema, folder, config } = options;
  const [newest] = (await listStored(folder)).filter(({ manifest }) => manifest.schema === schema);
  const isWaiting =
    newest !== undefined &&
    config.uploadCommand !== null &&
    Date.now() - newest.manifest.ended_at.getTime() < SENT_LATER_MS &&
    !(await isSent(newest));
  return isWaiting ? await finish(newest, options) : await makeBackup(options);
}

/** Send it, and only then delete those that are too old: they may be the last that left. */
async function finish(
  stored: Stored,
  { config, folder, signal }: BackupOptions,
): Promise<BackupResult> {
  const uploaded = await upload(stored, { command: config.uploadCommand, signal });
  return { stored, uploaded, expired: await expireStored(folder, stored, config) };
}

async function dump(
  snapshot: HeldSnapshot,
  programs: Programs,
  { database, schema, folder, signal, onProgress }: BackupOptions,
): Promise<Stored> {
  const partial = partialPath(folder, nameOf({ schema, ...snapshot }));
  // Payloads are for nobody else to read, whatever the folder and the umask say.
  await writeFile(partial, "", { mode: 0o600 });
  const beganAt = performance.now();
  const written = new AbortController();
  void tellProgress(partial, onProgress, written.signal);
  try {
    await runProgram(path.join(programs.folder, "pg_dump"), argumentsOf(snapshot, partial), {
      environment: libpqEnvironment(database, { at: snapshot.at_host, major: programs.major }),
      signal,
    });
    await readTableOfContents(partial, programs, signal);
    return await storeDump(folder, partial, {
      database: snapshot.database,
      schema,
      schemas: snapshot.schemas,
      at: snapshot.at,
      ended_at: new Date(snapshot.at.getTime() + performance.now() - beganAt),
      triaged: packageVersion(),
      migration: snapshot.migration ?? "",
      server_version: snapshot.server_version,
      pg_dump: programs.version,
      counts: snapshot.counts,
    });
  } catch (err) {
    await rm(partial, { force: true });
    throw explained(err, "nothing of it is kept; read what pg_dump said, and try again");
  } finally {
    written.abort();
  }
}

function argumentsOf({ database, schemas, snapshot }: HeldSnapshot, file: string): string[] {
  return [
    "--format=custom",
    "--no-password",
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${LOCK_WAIT_MS}`,
    // A name in quotes is itself, and no pattern.
    ...schemas.map((schema) => `--schema="${schema.replaceAll('"', '""')}"`),
    `--file=${file}`,
    `--dbname=${conninfoOf(database)}`,
  ];
}

/** What is in a dump, a line each. Throws a ProgramError where it cannot be read at all. */
export async function readTableOfContents(
  file: string,
  { folder }: Programs,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { stdout } = await runProgram(path.join(folder, "pg_restore"), ["--list", file], {
    environment: { LC_ALL: "C" },
    signal,
  });
  return stdout.split("\n").filter((line) => /^\d/.test(line));
}

async function tellProgress(
  file: string,
  tell: BackupOptions["onProgress"],
  signal: AbortSignal,
): Promise<void> {
  await sleep(PROGRESS_MS, signal);
  while (!signal.aborted) {
    const found = await stat(file).catch(() => null);
    tell?.(found?.size ?? 0);
    await sleep(PROGRESS_MS, signal);
  }
}

/** What a person can do about it; `what` is left as it was. */
export function explained(err: unknown, hint: string): unknown {
  if (!(err instanceof ProgramError)) {
    return err;
  }
  const known = KNOWN.find(({ said }) => said.test(err.told));
  return new EnvironmentError(err.message, {
    hint: known?.hint ?? hint,
    exitCode: known === undefined ? EXIT_CODES.crash : EXIT_CODES.config,
    cause: err,
  });
}

const KNOWN = [
  {
    said: /permission denied for|row-level security/,
    hint: "a dump reads every table: run it as the role that owns the queue",
  },
  {
    said: /No space left/,
    hint: "make room, or name another folder; what was there before is untouched",
  },
];

const UPLOAD_RETRIES = 2;
const UPLOAD_RETRY_MS = 5_000;

/** Run the command for each file: `{}` in it is the file, which else comes last. */
async function upload(
  stored: Stored,
  { command, signal }: { command: readonly string[] | null; signal: AbortSignal | undefined },
): Promise<boolean> {
  if (command === null) {
    return false;
  }
  const [program = "", ...words] = command;
  for (const file of filesOf(stored)) {
    const named = words.map((word) => word.replaceAll("{}", file));
    const args = words.some((word) => word.includes("{}")) ? named : [...words, file];
    try {
      await pRetry(() => runProgram(program, args, { signal, limitMs: UPLOAD_MS_MAX }), {
        retries: UPLOAD_RETRIES,
        minTimeout: UPLOAD_RETRY_MS,
        shouldRetry: ({ error }) => error instanceof ProgramError,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (err) {
      signal?.throwIfAborted();
      throw new EnvironmentError(
        `${stored.path} is made, but not sent: ${err instanceof Error ? err.message : String(err)}`,
        {
          hint: "correct BACKUP_UPLOAD_COMMAND; the dump is here, and whole",
          exitCode: EXIT_CODES.crash,
          cause: err,
        },
      );
    }
  }
  await markSent(stored);
  return true;
}
