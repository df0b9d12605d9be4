import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../has-code.ts";
import { sha256 } from "../../sha256.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";

/** A published version, which never changes. */
export type TarballKey = {
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
    const hash = sha256(`${registry} ${name}@${version}`).slice(0, 32);
    return join(this.#folder, `${readable}-${hash}.tgz`);
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
