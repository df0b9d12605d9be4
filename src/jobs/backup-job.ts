/** The nightly dump as a job, where BACKUP_DIR names a folder. */
import { type BackupOptions, makeOrSendBackup } from "../backup/make-backup.ts";
import type { JobContext, MaintenanceJob } from "./job.ts";

const DAY_MS = 86_400_000;

/**
 * Dump the queue at 02:00, or later on that day where no jobs ran at that time. Not where the cron
 * of the system calls, at any time: there `triaged backup` has a line of its own.
 */
export function backupJob(
  options: Pick<BackupOptions, "database" | "schema" | "config" | "folder">,
): MaintenanceJob {
  return {
    name: "backup",
    cron: "0 2 * * *",
    backfillMs: DAY_MS / 2,
    async run({ isOnce, signal }: JobContext) {
      if (isOnce) {
        return { changes: 0, detail: {} };
      }
      const { stored, uploaded, expired } = await makeOrSendBackup({ ...options, signal });
      const { bytes, at } = stored.manifest;
      const seconds = Math.round((Date.now() - at.getTime()) / 1_000);
      return {
        changes: 1,
        detail: {
          file: stored.path,
          bytes,
          seconds,
          uploaded: String(uploaded),
          dumpsDeleted: expired.length,
        },
      };
    },
  };
}
