/** The nightly dump as a job, where BACKUP_DIR names a folder. */
import { type BackupOptions, makeOrSendBackup } from "../backup/make-backup.ts";
import { listStored } from "../backup/store.ts";
import { parseCron } from "./crontab.ts";
import { lastDue } from "./due-times.ts";
import type { JobContext, MaintenanceJob } from "./job.ts";

const DAY_MS = 86_400_000;
const CRON = "0 2 * * *";

/**
 * Dump the queue at 02:00, or later on that day where no jobs ran at that time. Where the cron of
 * the system calls, at any time: where the newest dump is of before the last 02:00.
 */
export function backupJob(
  options: Pick<BackupOptions, "database" | "schema" | "config" | "folder">,
): MaintenanceJob {
  return {
    name: "backup",
    cron: CRON,
    backfillMs: DAY_MS / 2,
    async run({ isOnce, signal }: JobContext) {
      if (isOnce) {
        const newest = await newestDump(options);
        if (newest !== null && newest >= (lastDue(parseCron(CRON), new Date()) ?? newest)) {
          return { changes: 0, detail: { notDueSince: newest.toISOString() } };
        }
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

/** When the newest dump of the queue was made; null where there is none. */
async function newestDump({
  folder,
  schema,
}: Pick<BackupOptions, "folder" | "schema">): Promise<Date | null> {
  // A folder that is not there yet is made by the dump.
  const stored = await listStored(folder).catch(() => []);
  return stored.find(({ manifest }) => manifest.schema === schema)?.manifest.at ?? null;
}
