import path from "node:path";
import type { Settings } from "./variables.ts";

/** Where dumps go, for how long, and by which programs they are made. */
export type BackupConfig = {
  /** Absolute; null: the jobs make none. */
  readonly folder: string | null;
  /** Days that a dump is kept; 0 = for ever. */
  readonly retentionDays: number;
  /** A program and its arguments, run for each file of a dump; null: files stay where they are. */
  readonly uploadCommand: readonly string[] | null;
  /** The folder with pg_dump and its neighbours; null: looked for. */
  readonly programsFolder: string | null;
};

/** Applications may have their own. */
export const BACKUP_VARIABLES: readonly string[] = [
  "BACKUP_DIR",
  "BACKUP_RETENTION_DAYS",
  "BACKUP_UPLOAD_COMMAND",
];

const RETENTION_DAYS = 30;

/** What a shell would take for more than words. No shell reads the command. */
const SHELL_CHARACTERS = /[|&;<>$`"'\\*?\n\r]/;

/** What is wrong is added to the problems. */
export function backupConfigOf(settings: Settings, problems: string[]): BackupConfig {
  const { BACKUP_DIR: folder, BACKUP_RETENTION_DAYS: days } = settings;
  const { BACKUP_UPLOAD_COMMAND: upload, PG_BIN_DIR: programs } = settings;
  for (const [name, value] of Object.entries({
    BACKUP_RETENTION_DAYS: days,
    BACKUP_UPLOAD_COMMAND: upload,
  })) {
    // Nobody would notice that no backup is made.
    if (folder === undefined && value !== undefined) {
      problems.push(`${name}: expected BACKUP_DIR beside it, got none; set it, or unset ${name}`);
    }
  }
  if (upload !== undefined && SHELL_CHARACTERS.test(upload)) {
    problems.push(
      "BACKUP_UPLOAD_COMMAND: expected a program and its arguments with blanks between, and none of " +
        "the characters that a shell reads; put more than that into a script",
    );
  }
  return {
    folder: folder === undefined ? null : path.resolve(folder),
    retentionDays: days ?? RETENTION_DAYS,
    uploadCommand: upload === undefined ? null : upload.trim().split(/[ \t]+/),
    programsFolder: programs === undefined ? null : path.resolve(programs),
  };
}

/** The same by the names of the variables. */
export function describeBackup(config: BackupConfig): Record<string, string> {
  return {
    ...(config.folder === null
      ? {}
      : {
          BACKUP_DIR: config.folder,
          BACKUP_RETENTION_DAYS: String(config.retentionDays),
        }),
    ...(config.uploadCommand === null
      ? {}
      : { BACKUP_UPLOAD_COMMAND: config.uploadCommand.join(" ") }),
    ...(config.programsFolder === null ? {} : { PG_BIN_DIR: config.programsFolder }),
  };
}
