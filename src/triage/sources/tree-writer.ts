import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path/posix";
import { hasCode, RetryableError } from "../../index.ts";

/** A file to be written, under a path that a stranger chose. */
export type NewFile = { readonly path: string; readonly content: Buffer };

/** Files that are open at a time: a process may have 1,024, and there are other trees. */
const OPEN_FILES = 8;

/** What another name, or the file system, has against a name: the file costs itself alone. */
const BAD_NAME = [
  "EEXIST",
  "ENOTDIR",
  "EISDIR",
  "ENAMETOOLONG",
  "EINVAL",
  "EILSEQ",
  "ELOOP",
  "ERR_INVALID_ARG_VALUE",
];

/**
 * Writes the files of a stranger's tree below a folder. Nothing that is there is overwritten,
 * nothing can be executed, and no more folders are made than the limit says.
 */
export class TreeWriter {
  readonly #folder: string;
  readonly #foldersMax: number;
  /** What has a name already, whether or not it is on disk yet. */
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  readonly #made = new Set<string>(["."]);

  constructor(folder: string, { foldersMax }: { readonly foldersMax: number }) {
    this.#folder = folder;
    this.#foldersMax = foldersMax;
  }

  /**
   * Resolves to the files that could not be written because of their names. Throws a
   * RetryableError where this machine cannot write: it may have room, or open files, later.
   */
  async write(files: readonly NewFile[]): Promise<NewFile[]> {
    const left: NewFile[] = [];
    const queue = files.values();
    const writeNext = async (): Promise<void> => {
      for (const file of queue) {
        if (!(await this.#writeOne(file))) left.push(file);
      }
    };
    // All of them have ended before one's error is told: the folder may go then.
    const lanes = Array.from({ length: OPEN_FILES }, writeNext);
    const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw ofMachine(failed.reason);
    return left;
  }

  async #writeOne({ path, content }: NewFile): Promise<boolean> {
    if (!this.#take(path)) return false;
    try {
      const folder = dirname(path);
      if (!this.#made.has(folder)) await mkdir(join(this.#folder, folder), { recursive: true });
      this.#made.add(folder);
      await writeFile(join(this.#folder, path), content, { flag: "wx", mode: 0o600 });
      return true;
    } catch (err) {
      if (hasCode(err, ...BAD_NAME)) return false;
      throw err;
    }
  }

  /** Decided by the order of the files alone, so that the same tree is the same every time. */
  #take(path: string): boolean {
    if (!isSafePath(path) || this.#files.has(path) || this.#folders.has(path)) return false;
    const missing: string[] = [];
    for (let at = dirname(path); at !== "."; at = dirname(at)) {
      if (this.#files.has(at)) return false;
      if (!this.#folders.has(at)) missing.push(at);
    }
    if (this.#folders.size + missing.length > this.#foldersMax) return false;
    for (const folder of missing) this.#folders.add(folder);
    this.#files.add(path);
    return true;
  }
}

function ofMachine(err: unknown): RetryableError {
  const said = err instanceof Error ? err.message : String(err);
  return new RetryableError(
    `cannot write on this machine: ${said}; ` +
      "hint: the disk of REPO_CACHE_DIR, or the limit of open files of the worker",
    { cause: err },
  );
}

const PATH_BYTES_MAX = 1_024;

/**
 * Whether a path from a repository or a package stays in the folder that it is put below, on
 * every system, and does not make that folder a repository.
 */
export function isSafePath(path: string): boolean {
  return (
    path !== "" &&
    !path.startsWith("/") &&
    !/[\0\\]/.test(path) &&
    !/^[a-z]:/i.test(path) &&
    Buffer.byteLength(path) <= PATH_BYTES_MAX &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !isGit(part))
  );
}

/** `.git` in any case, and as Windows and macOS read it. */
function isGit(part: string): boolean {
  const bare = part.replaceAll(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "");
  return /^(?:\.git|git~1)[. ]*(?::.*)?$/i.test(bare);
}
