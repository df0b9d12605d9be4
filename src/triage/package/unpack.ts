import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Parser, type ReadEntry } from "tar";
import { PermanentError } from "../../outcome.ts";
import type { RepositoryLimits } from "../repository/repository-limits.ts";
import { isSafePath } from "../repository/safe-path.ts";

type UnpackLimits = Pick<
  RepositoryLimits,
  "filesMax" | "packageFileBytesMax" | "tarballBytesMax" | "treeBytesMax"
>;

/**
 * Write the files of a package's tarball below a folder, without the folder that all of them
 * are in. Links and devices are left out, as are paths that lead elsewhere, nothing can be
 * executed, and of a path that comes twice the first stays. Resolves to the caps that were hit.
 *
 * Throws a PermanentError for what is no package or unpacks to too much.
 */
export async function unpack(
  tarball: Readable,
  folder: string,
  { limits, signal }: { readonly limits: UnpackLimits; readonly signal: AbortSignal },
): Promise<string[]> {
  const capsHit = new Set<string>();
  const writes = new Writes(folder);
  const written = new Set<string>();
  let bytes = 0;
  const parser = new Parser({
    onReadEntry(entry) {
      bytes += entry.size;
      const path = entry.path.split("/").slice(1).join("/");
      const cap = capOf(entry, path, written, limits);
      if (bytes > limits.treeBytesMax) {
        parser.abort(new PermanentError(`it unpacks to more than ${limits.treeBytesMax} bytes`));
      } else if (cap === null) {
        written.add(path);
        writes.add(path, entry.concat());
        return;
      } else if (cap !== "") {
        capsHit.add(cap);
      }
      entry.resume();
    },
  });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  parser.on("error", failed.reject);
  const ended = new Promise<void>((resolve) => {
    parser.on("end", resolve);
  });
  const read = pipeline(
    tarball,
    async (chunks: AsyncIterable<Buffer>) => {
      let size = 0;
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > limits.tarballBytesMax) {
          throw new PermanentError(`it has more than ${limits.tarballBytesMax} bytes`);
        }
        if (!parser.write(chunk)) await Promise.race([drained(parser), failed.promise]);
      }
      parser.end();
    },
    { signal },
  );
  try {
    await Promise.race([Promise.all([read, ended]), failed.promise]);
    await writes.all();
  } finally {
    await writes.end();
  }
  if (!written.has("package.json")) throw new PermanentError("it holds no package.json");
  return [...capsHit].toSorted();
}

function drained(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    parser.once("drain", resolve);
  });
}

/** Null: it is written. Empty: it is no file, which is no loss. */
function capOf(
  entry: ReadEntry,
  path: string,
  written: ReadonlySet<string>,
  limits: UnpackLimits,
): string | null {
  // Which of two npm takes is its own affair; here it is the same one every time.
  if (written.has(path)) return "";
  if (!["File", "OldFile", "ContiguousFile"].includes(entry.type)) return "";
  if (!isSafePath(path)) return "paths";
  if (entry.size > limits.packageFileBytesMax) return "file_bytes";
  return written.size >= limits.filesMax ? "files" : null;
}

/** The files that are being written, so that none of them is when the folder is removed. */
class Writes {
  readonly #folder: string;
  readonly #wanted: Promise<void>[] = [];
  readonly #begun: Promise<void>[] = [];
  #isEnded = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Once all of the content is there. */
  add(path: string, content: Promise<Buffer>): void {
    const wanted = this.#write(path, content);
    // Its error is that of all(), which nobody may be waiting for.
    wanted.catch(() => {});
    this.#wanted.push(wanted);
  }

  async #write(path: string, content: Promise<Buffer>): Promise<void> {
    const bytes = await content;
    if (this.#isEnded) return;
    const begun = write(join(this.#folder, path), bytes);
    this.#begun.push(begun);
    await begun;
  }

  async all(): Promise<void> {
    await Promise.all(this.#wanted);
  }

  /** Wait for what has begun, however it ends, and begin nothing more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await Promise.allSettled(this.#begun);
  }
}

async function write(path: string, content: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { flag: "wx", mode: 0o600 }).catch((err: unknown) => {
    // Two paths may be one to the file system.
    if (!(err instanceof Error && "code" in err && err.code === "EEXIST")) throw err;
  });
}
