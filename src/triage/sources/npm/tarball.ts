import { hash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { pipeline as pipe, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { hasCode, PermanentError } from "../../../index.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import { isSafePath, type NewFile, TreeWriter } from "../tree-writer.ts";

type UnpackLimits = Pick<
  RepositoryLimits,
  "filesMax" | "foldersMax" | "packageFileBytesMax" | "tarballBytesMax" | "treeBytesMax"
>;

/**
 * Write the files of a package's tarball below a folder, without the folder that all of them
 * are in. Links and devices are left out, as are paths that lead elsewhere or cannot be, nothing
 * can be executed, and of a path that comes twice the first stays. Resolves to the caps that
 * were hit. When it ends, however it does, nothing is being written any more.
 *
 * Throws a PermanentError for what is no package or unpacks to too much, a RetryableError where
 * this machine cannot write.
 */
export async function unpack(
  tarball: Readable,
  folder: string,
  { limits, signal }: { readonly limits: UnpackLimits; readonly signal: AbortSignal },
): Promise<string[]> {
  const unpacking = new Unpacking(folder, limits);
  try {
    await pipeline(
      tarball,
      (chunks: AsyncIterable<Buffer>) => limitBytes(limits.tarballBytesMax, chunks, "it has"),
      inflated,
      (chunks: AsyncIterable<Buffer>) => limitBytes(limits.treeBytesMax, chunks, "it unpacks to"),
      (chunks: AsyncIterable<Buffer>) => unpacking.read(chunks),
      { signal },
    );
  } finally {
    await unpacking.written;
  }
  if (!unpacking.hasManifest) throw new PermanentError("it holds no package.json");
  return [...unpacking.capsHit].toSorted();
}

/** Inflated here, in small pieces: tar's own parser makes all of a piece at once. */
async function* inflated(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const rest = chunks[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done === true) return;
  const whole = Readable.from(
    (async function* () {
      yield first.value;
      yield* { [Symbol.asyncIterator]: () => rest };
    })(),
  );
  if (!isGzip(first.value)) {
    yield* whole;
    return;
  }
  // Its errors are those of the iteration.
  const gunzip = pipe(whole, createGunzip(), () => {});
  let isFirst = true;
  for await (const chunk of gunzip) {
    if (isFirst && isGzip(chunk)) throw new PermanentError("it is compressed twice");
    isFirst = false;
    yield chunk;
  }
}

function isGzip(chunk: Buffer): boolean {
  return chunk[0] === 0x1f && chunk[1] === 0x8b;
}

/** Bytes, and files, that are held until they are written. */
const HELD_BYTES = 4_000_000;
const HELD_FILES = 200;

class Unpacking {
  readonly capsHit = new Set<string>();
  hasManifest = false;
  /** Resolves when nothing is being written, and rejects never. */
  written: Promise<unknown> = Promise.resolve();

  readonly #limits: UnpackLimits;
  readonly #writer: TreeWriter;
  readonly #seen = new Set<string>();
  #held: NewFile[] = [];
  #heldBytes = 0;

  constructor(folder: string, limits: UnpackLimits) {
    this.#limits = limits;
    this.#writer = new TreeWriter(folder, limits);
  }

  async read(chunks: AsyncIterable<Buffer>): Promise<void> {
    const parser = new Parser({
      brotli: false,
      zstd: false,
      onReadEntry: (entry) => this.#take(entry),
    });
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => {});
    parser.on("error", ended.reject);
    parser.on("end", ended.resolve);
    for await (const chunk of chunks) {
      parser.write(chunk);
      if (this.#heldBytes >= HELD_BYTES || this.#held.length >= HELD_FILES) await this.#write();
    }
    parser.end();
    await ended.promise;
    await this.#write();
  }

  #take(entry: ReadEntry): void {
    const path = entry.path.split("/").slice(1).join("/");
    const cap = this.#capOf(entry, path);
    if (cap !== null) {
      if (cap !== "") this.capsHit.add(cap);
      entry.resume();
      return;
    }
    this.#seen.add(path);
    this.#heldBytes += entry.size;
    const parts: Buffer[] = [];
    entry.on("data", (part: Buffer) => parts.push(part));
    entry.on("end", () => this.#held.push({ path, content: Buffer.concat(parts) }));
  }

  /** Null: it is written. Empty: it is no file, which is no loss. */
  #capOf(entry: ReadEntry, path: string): string | null {
    // Which of two npm takes is its own affair; here it is the same one every time.
    if (this.#seen.has(path)) return "";
    if (!["File", "OldFile", "ContiguousFile"].includes(entry.type)) return "";
    if (!isSafePath(path)) return "paths";
    if (entry.size > this.#limits.packageFileBytesMax) return "file_bytes";
    return this.#seen.size >= this.#limits.filesMax ? "files" : null;
  }

  async #write(): Promise<void> {
    const files = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    const writing = this.#writer.write(files);
    this.written = writing.catch(() => {});
    const left = await writing;
    if (left.length > 0) this.capsHit.add("paths");
    const names = new Set(files.map(({ path }) => path));
    for (const { path } of left) names.delete(path);
    this.hasManifest ||= names.has("package.json");
  }
}

/** The chunks, as long as they are no more together. Throws a PermanentError in place of more. */
export async function* limitBytes(
  bytesMax: number,
  chunks: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new PermanentError(`${what} more than ${bytesMax} bytes`);
    yield chunk;
  }
}

/** A published version, which never changes. */
type TarballKey = {
  readonly registry: string;
  readonly name: string;
  readonly version: string;
};

/**
 * Tarballs on disk, one file each, up to a total of bytes: those used least lately are removed.
 * Several processes share it without locks: a file is whole or not there, and who reads one that
 * is removed reads on.
 */
export class TarballCache {
  readonly #folder: string;
  readonly #bytesMax: number;

  constructor(cacheFolder: string, { bytesMax }: { readonly bytesMax: number }) {
    this.#folder = join(cacheFolder, "packages");
    this.#bytesMax = bytesMax;
  }

  /** The path of what is kept; null for what is not. */
  async find(key: TarballKey): Promise<string | null> {
    const path = this.#pathOf(key);
    const now = new Date();
    try {
      await utimes(path, now, now);
      return path;
    } catch (err) {
      if (hasCode(err, "ENOENT")) return null;
      throw err;
    }
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Have `work` make a tarball at a path of its own, and keep it where that succeeds. */
  async keep<Result>(key: TarballKey, work: (path: string) => Promise<Result>): Promise<Result> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#pathOf(key);
    const part = `${path}.${randomUUID()}${PART}`;
    try {
      const result = await work(part);
      await rename(part, path);
      return result;
    } finally {
      await rm(part, { force: true });
      await this.#evict();
    }
  }

  #pathOf({ registry, name, version }: TarballKey): string {
    const readable = `${name}-${version}`.replaceAll(/[^\w.-]+/g, "-").slice(0, 80);
    const suffix = hash("sha256", `${registry} ${name}@${version}`).slice(0, 32);
    return join(this.#folder, `${readable}-${suffix}.tgz`);
  }

  async #evict(): Promise<void> {
    const now = Date.now();
    const names = await readdir(this.#folder).catch(() => []);
    const found = await Promise.all(names.map((name) => fileAt(join(this.#folder, name))));
    const files = found.flat().toSorted((left, right) => right.usedAt - left.usedAt);
    let bytes = 0;
    for (const { path, size, usedAt } of files) {
      // One that is being written belongs to another, unless that was killed.
      const isWritten = path.endsWith(PART) && now - usedAt < REPOSITORY_LIMITS.inUseMs;
      bytes += size;
      if (bytes > this.#bytesMax && !isWritten) await rm(path, { force: true });
    }
  }
}

const PART = ".part";

type Kept = { readonly path: string; readonly size: number; readonly usedAt: number };

/** None where another process has removed it. */
async function fileAt(path: string): Promise<Kept[]> {
  return await stat(path).then(
    ({ size, mtimeMs }) => [{ path, size, usedAt: mtimeMs }],
    () => [],
  );
}
