/** Where the embedded server is: `triaged up` writes it down, the other commands read it. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import type { DatabaseConnection } from "../settings/config.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "../settings/database-url.ts";
import { isAlive, processStartTime } from "../system/processes.ts";

/** The address of a server, and the process that answers for it. */
const Saved = z.object({ url: z.string(), pid: z.int().positive(), start: z.string() });

/** The database that the configuration means. Throws as readConnection does. */
export async function locateDatabase(connection: DatabaseConnection): Promise<DatabaseUrl> {
  return connection.kind === "url" ? connection : await readConnection(connection.folder);
}

/** Tell the other commands where the server is, as long as this process lives. */
export async function writeConnection(folder: string, url: string): Promise<void> {
  const saved: z.infer<typeof Saved> = {
    url,
    pid: process.pid,
    start: await processStartTime(process.pid),
  };
  const draft = `${fileIn(folder)}.draft`;
  await rm(draft, { force: true });
  // The URL holds the password. The rename makes the file appear whole.
  await writeFile(draft, JSON.stringify(saved), { mode: 0o600 });
  await rename(draft, fileIn(folder));
}

/** No server is there any more. */
export async function removeConnection(folder: string): Promise<void> {
  await rm(fileIn(folder), { force: true });
}

/**
 * The embedded server that `triaged up` runs in this folder. Throws an EnvironmentError
 * when none runs, or when it belongs to a user whose files this one may not read.
 */
export async function readConnection(folder: string): Promise<DatabaseUrl> {
  const text = await readFile(fileIn(folder), "utf8").catch((cause: unknown) => {
    throw hasCode(cause, "EACCES")
      ? unreachable(`${fileIn(folder)} is not readable`, {
          hint: "run this as the user who runs `npm start`, or set DATABASE_URL",
          cause,
        })
      : notRunning(folder, cause);
  });
  const { url, pid, start } = Saved.parse(JSON.parse(text));
  if (!isAlive(pid) || (await processStartTime(pid)) !== start) {
    throw notRunning(folder);
  }
  return parseDatabaseUrl(url);
}

function fileIn(folder: string): string {
  return join(folder, "connection.json");
}

function notRunning(folder: string, cause?: unknown): EnvironmentError {
  return unreachable(`no DATABASE_URL, and no server runs in ${folder}`, {
    hint: "run `npm start` (or `triaged up`) here in another terminal, or set DATABASE_URL",
    cause,
  });
}

function unreachable(message: string, options: { hint: string; cause?: unknown }) {
  return new EnvironmentError(message, { ...options, exitCode: EXIT_CODES.databaseUnreachable });
}
