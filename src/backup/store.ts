/**
 * The folder of dumps. A dump is three files of one name: the dump itself, its sum in the form of
 * sha256sum, and a manifest, which is written last: without one there is no dump.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { RowCounts } from "../database/backup.ts";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import { toJson } from "../model/json.ts";

const Time = z.iso.datetime().transform((text) => new Date(text));

const DumpManifest = z.object({
  /** Of this file; a later form has another number. */
  format: z.literal(1),
  file: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  database: z.string(),
  schema: z.string(),
  /** What was dumped. */
  schemas: z.array(z.string()),
  /** The moment that the dump shows, by the clock of the database. */
  at: Time,
  /** When all of it was written. */
  ended_at: Time,
  triaged: z.string(),
  /** The last migration. */
  migration: z.string(),
  server_version: z.string(),
  pg_dump: z.string(),
  counts: RowCounts.extend({ newest_history_at: Time.nullable() }),
});
export type DumpManifest = z.output<typeof DumpManifest>;

/** A dump of the folder. */
export type Stored = { readonly manifest: DumpManifest; readonly path: string };

const DUMP = ".dump";
const SUM = ".dump.sha256";
const MANIFEST = ".json";
const PARTIAL = ".partial";
/** Longer ones would be no name of a file with what comes behind it. */
const NAME_CHARACTERS_MAX = 150;
/** Of a process that died: one that writes changes its file more often. */
const PARTIAL_AGE_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `triaged-orders-20270131T020000Z`, for a file of the folder. */
export function nameOf({ schema, database, at }: Pick<DumpManifest, "schema" | "database" | "at">) {
  const queue = `${schema}-${database}`.replaceAll(/[^\w.-]/g, "_").slice(0, NAME_CHARACTERS_MAX);
  const [second = ""] = at.toISOString().replaceAll(/[-:]/g, "").split(".");
  return `${queue}-${second}Z`;
}

/**
 * Make the folder where there is none. Throws an EnvironmentError (78) where it cannot be written.
 */
export async function openStore(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const probe = path.join(folder, `.${process.pid}${PARTIAL}`);
    await writeFile(probe, "");
    await rm(probe);
    await removeOldPartials(folder);
  } catch (err) {
    if (!hasCode(err, "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC")) {
      throw err;
    }
    throw new EnvironmentError(`cannot write in the folder of backups, ${folder}`, {
      hint: "name another in BACKUP_DIR or --to, or give this user the right to write there",
      exitCode: EXIT_CODES.config,
      cause: err,
    });
  }
}

async function removeOldPartials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith(PARTIAL) && Date.now() - (await mtimeOf(file)) > PARTIAL_AGE_MS) {
      await rm(file, { force: true });
    }
  }
}

/** Another process may have removed it. */
async function mtimeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.mtimeMs ?? Date.now();
}

/** Where a dump is written until it is whole. */
export function partialPath(folder: string, name: string): string {
  return path.join(folder, `.${name}.${process.pid}${PARTIAL}`);
}

/** Give a dump that is whole its name, and write beside it what it is. */
export async function storeDump(
  folder: string,
  partial: string,
  facts: Omit<DumpManifest, "format" | "file" | "bytes" | "sha256">,
): Promise<Stored> {
  const name = nameOf(facts);
  await sync(partial);
  const { size: bytes } = await stat(partial);
  const sha256 = await sumOf(partial);
  const file = `${name}${DUMP}`;
  const manifest: DumpManifest = { format: 1, file, bytes, sha256, ...facts };
  await rename(partial, path.join(folder, file));
  await writeWhole(path.join(folder, `${name}${SUM}`), `${sha256}  ${file}\n`);
  await writeWhole(path.join(folder, `${name}${MANIFEST}`), `${toJson(manifest, 2)}\n`);
  await sync(folder);
  return { manifest, path: path.join(folder, file) };
}

async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}${PARTIAL}`;
  await writeFile(partial, text, { mode: 0o600 });
  await sync(partial);
  await rename(partial, file);
}

/** Of a file or a folder. */
async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function sumOf(file: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const part of createReadStream(file)) {
    sum.update(part);
  }
  return sum.digest("hex");
}

/** All dumps of the folder, newest first; none where there is no folder. */
export async function listStored(folder: string): Promise<readonly Stored[]> {
  const names = await readdir(folder).catch((err: unknown) => {
    if (hasCode(err, "ENOENT")) return [];
    throw err;
  });
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith(MANIFEST) && !name.startsWith("."))
      .map((name) => readStored(path.join(folder, name))),
  );
  return found
    .filter((one) => one !== null)
    .toSorted((one, other) => other.manifest.at.getTime() - one.manifest.at.getTime());
}

/** The dump with its manifest by the path of either; null where there is no manifest of ours. */
export async function readStored(file: string): Promise<Stored | null> {
  const end = [DUMP, MANIFEST].find((known) => file.endsWith(known));
  if (end === undefined) {
    return null;
  }
  const base = file.slice(0, -end.length);
  try {
    const manifest = DumpManifest.parse(JSON.parse(await readFile(`${base}${MANIFEST}`, "utf8")));
    return { manifest, path: `${base}${DUMP}` };
  } catch (err) {
    if (hasCode(err, "ENOENT") || err instanceof SyntaxError || err instanceof z.ZodError) {
      return null;
    }
    throw err;
  }
}

/** The files of a dump, its manifest last. */
export function filesOf(stored: Stored): readonly string[] {
  const base = stored.path.slice(0, -DUMP.length);
  return [stored.path, `${base}${SUM}`, `${base}${MANIFEST}`];
}

/** Says that the upload command has taken all three. */
const SENT = ".sent";

export async function markSent(stored: Stored): Promise<void> {
  await writeFile(sentFile(stored), "");
}

export async function isSent(stored: Stored): Promise<boolean> {
  return (await stat(sentFile(stored)).catch(() => null)) !== null;
}

function sentFile({ path: file }: Stored): string {
  return file.slice(0, -DUMP.length) + SENT;
}

/** What is wrong with a dump, as a sentence; null where its bytes are those that were written. */
export async function damageOf({ manifest, path: file }: Stored): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  if (found === null) {
    return `${file} is not there`;
  }
  if (found.size !== manifest.bytes) {
    return `${file} has ${found.size} bytes, and had ${manifest.bytes} when it was made`;
  }
  return (await sumOf(file)) === manifest.sha256
    ? null
    : `${file} has another sum than when it was made`;
}

/**
 * Delete dumps of the queue of `kept`, which is whole and stays, that are older than so many days.
 * Resolves to their files. 0 days: all stay.
 */
export async function expireStored(
  folder: string,
  kept: Stored,
  { retentionDays }: { retentionDays: number },
): Promise<readonly string[]> {
  if (retentionDays === 0) {
    return [];
  }
  const { schema, database, at } = kept.manifest;
  const before = at.getTime() - retentionDays * DAY_MS;
  const expired = (await listStored(folder)).filter(
    ({ manifest, path: file }) =>
      manifest.schema === schema &&
      manifest.database === database &&
      manifest.at.getTime() < before &&
      file !== kept.path,
  );
  for (const stored of expired) {
    // The manifest first: half of a dump is none.
    for (const file of [...filesOf(stored).toReversed(), sentFile(stored)]) {
      await rm(file, { force: true });
    }
  }
  return expired.map(({ path: file }) => file);
}
