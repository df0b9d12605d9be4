import { type BackupResult, makeBackup, readTableOfContents } from "../../backup/make-backup.ts";
import { findPrograms } from "../../backup/programs.ts";
import { damageOf, listStored, readStored, type Stored } from "../../backup/store.ts";
import { locateDatabase } from "../../database/connection-file.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { counted, visibleLine } from "../../model/text.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import { choice, text } from "../../settings/variables.ts";
import { listenForStop } from "../../supervisor/stop-signals.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { formatTime, note, print, printJson, renderTable } from "../terminal/output.ts";

export const backupCommand = defineCommand({
  name: "backup",
  summary: "dump the queue into a folder, list the dumps there, or look whether they are whole",
  description:
    "`backup`: a dump of the queue's schemas by pg_dump, in the custom format, with its sum and a\n" +
    "manifest beside it; then the upload, and dumps older than BACKUP_RETENTION_DAYS go. One that\n" +
    "fails leaves nothing. `backup list`: the newest first. `backup verify [FILE]`: sums, and whether\n" +
    "pg_restore can read them. `triaged jobs` makes one each day at 02:00 UTC where BACKUP_DIR is\n" +
    "set. `triaged restore` brings one back, and `triaged drill` tries that.",
  args: [
    { name: "ACTION", schema: choice(["list", "verify"]), optional: true },
    { name: "FILE", schema: text(), optional: true },
  ],
  options: {
    to: { value: "DIR", about: "the folder, in place of BACKUP_DIR", schema: text() },
    json: { about: "print one JSON object; list and verify: an array" },
  },
  examples: [
    ["backup --to /var/backups/triaged", "now, for instance before an upgrade"],
    ["backup list", "what there is in BACKUP_DIR"],
    ["backup verify", "read every dump; exits 1 where one is not whole"],
  ],
  run: async ({ flags, args: [action, file] }) => {
    const config = readConfig();
    if (file !== undefined && action !== "verify") {
      throw new UsageError("only `backup verify` takes a FILE", { hint: "triaged backup --help" });
    }
    if (action === "verify" && file !== undefined) {
      return await verify(config, [await storedAt(file)], flags.json);
    }
    const folder = flags.to ?? config.backup.folder;
    if (folder === null) {
      throw new UsageError("there is no folder for backups", {
        hint: "name one by --to DIR, or in BACKUP_DIR",
      });
    }
    switch (action) {
      case "list":
        return list(await listStored(folder), flags.json);
      case "verify":
        return await verify(config, await listStored(folder), flags.json);
      case undefined:
        return await make(config, folder, flags.json);
    }
  },
});

/** The dump of a path. Throws a UsageError where there is none with a manifest. */
export async function storedAt(file: string): Promise<Stored> {
  const stored = await readStored(file);
  if (stored === null) {
    throw new UsageError(`${file} is no dump with a manifest beside it`, {
      hint: "`triaged backup list` has those of BACKUP_DIR; name the file that ends in .dump",
    });
  }
  return stored;
}

async function make(config: Config, folder: string, asJson: boolean): Promise<number> {
  const signals = listenForStop();
  try {
    const database = config.directConnection ?? (await locateDatabase(config.connection));
    const done = await makeBackup({
      database,
      schema: config.schema,
      config: config.backup,
      folder,
      signal: signals.stop,
      onProgress: (bytes) => note(`${megabytes(bytes)} so far`),
    });
    if (asJson) {
      printJson({ ...jsonOf(done.stored), uploaded: done.uploaded, expired: done.expired });
    } else {
      print(renderDone(done));
    }
    return EXIT_CODES.done;
  } finally {
    signals.dispose();
  }
}

function renderDone({ stored, uploaded, expired }: BackupResult): string {
  const { bytes, counts, at, ended_at: end } = stored.manifest;
  const tasks = Object.values(counts.tasks).reduce((sum, count) => sum + count, 0);
  const seconds = ((end.getTime() - at.getTime()) / 1_000).toFixed(1);
  return [
    `${stored.path}: ${megabytes(bytes)}, ${counted(tasks, "task")}, ` +
      `${counted(counts.history_rows, "row")} of history, in ${seconds} s`,
    uploaded ? "sent by BACKUP_UPLOAD_COMMAND" : "",
    ...expired.map((file) => `deleted ${file}, which was too old`),
  ]
    .filter((line) => line !== "")
    .map(visibleLine)
    .join("\n");
}

function list(stored: readonly Stored[], asJson: boolean): number {
  if (asJson) {
    printJson(stored.map(jsonOf));
  } else if (stored.length === 0) {
    print("there are no backups");
  } else {
    print(
      renderTable(
        ["file", "shows", "size", "tasks", "database", "server"],
        stored.map(({ manifest }) => [
          manifest.file,
          formatTime(manifest.at),
          megabytes(manifest.bytes),
          Object.values(manifest.counts.tasks).reduce((sum, count) => sum + count, 0),
          manifest.database,
          manifest.server_version.split(" ")[0] ?? "",
        ]),
      ),
    );
  }
  return EXIT_CODES.done;
}

async function verify(config: Config, dumps: readonly Stored[], asJson: boolean): Promise<number> {
  const results: { readonly file: string; readonly fault: string | null }[] = [];
  for (const stored of dumps) {
    const fault = (await damageOf(stored)) ?? (await unreadable(config, stored));
    results.push({ file: stored.path, fault });
    if (!asJson) {
      print(`${visibleLine(stored.path)}: ${fault === null ? "whole" : visibleLine(fault)}`);
    }
  }
  if (asJson) {
    printJson(results.map(({ file, fault }) => ({ file, ok: fault === null, fault })));
  } else if (results.length === 0) {
    print("there are no backups");
  }
  // None at all is no answer that cron should take for good.
  return results.length > 0 && results.every(({ fault }) => fault === null)
    ? EXIT_CODES.done
    : EXIT_CODES.crash;
}

async function unreadable(config: Config, stored: Stored): Promise<string | null> {
  // Of the version that wrote it, or a newer one.
  const programs = await findPrograms("pg_restore", {
    serverMajor: Number.parseInt(stored.manifest.pg_dump, 10),
    programsFolder: config.backup.programsFolder,
  });
  try {
    await readTableOfContents(stored.path, programs);
    return null;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

function jsonOf({ manifest, path }: Stored): Record<string, unknown> {
  const { file: _, ...facts } = manifest;
  return { file: path, ...facts };
}

const MEGABYTE = 1_000_000;

function megabytes(bytes: number): string {
  return bytes < MEGABYTE
    ? `${Math.ceil(bytes / 1_000)} kB`
    : `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
