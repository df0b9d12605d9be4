import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { hasCode } from "../../index.ts";
import { LIMITS } from "../facts/limits.ts";

/**
 * What an analysis may read of the disk: regular files up to a size whose real paths lie below
 * some folders, and nothing else. What repositories and packages say of paths (links, `..`,
 * absolute paths, entries of a tsconfig or a package.json) leads nowhere else: outside of the
 * fence nothing is there. The folders themselves are the caller's word, and may be links.
 *
 * What is found is remembered: a fence is for trees that stand still, and for one analysis.
 */
export class Fence {
  readonly #asked: readonly string[];
  readonly #real: readonly string[];
  readonly #onTheWay: ReadonlySet<string>;
  readonly #bytesMax: number;
  readonly #found = new Map<string, Found | null>();

  /** Folders that are not there count for nothing. */
  constructor(
    folders: readonly string[],
    { bytesMax = LIMITS.readBytesMax }: { readonly bytesMax?: number } = {},
  ) {
    const there = folders.flatMap((folder) => {
      const real = orNothing(() => realpathSync.native(folder));
      return real === undefined ? [] : [{ folder: resolve(folder), real }];
    });
    this.#real = [...new Set(there.map(({ real }) => real))];
    this.#asked = [...new Set([...there.map(({ folder }) => folder), ...this.#real])];
    this.#onTheWay = new Set(this.#asked.flatMap(above));
    this.#bytesMax = bytesMax;
  }

  /** The folders, by every path that they may be called by. */
  get folders(): readonly string[] {
    return this.#asked;
  }

  /** Whether the path is a file that `readFile` reads. */
  fileExists(path: string): boolean {
    const size = this.sizeOf(path);
    return size !== undefined && size <= this.#bytesMax;
  }

  /** Bytes of a regular file within the fence; undefined for anything else. */
  sizeOf(path: string): number | undefined {
    const found = this.#find(path);
    return found?.kind === "file" ? found.size : undefined;
  }

  /** True as well for a folder on the way to one of the fence, of which nothing else is seen. */
  directoryExists(path: string): boolean {
    return this.#find(path)?.kind === "folder" || this.#onTheWay.has(path);
  }

  /** The text of a file, whichever encoding its mark names; undefined if it is not to be read. */
  readFile(path: string): string | undefined {
    const found = this.#find(path);
    if (found?.kind !== "file" || found.size > this.#bytesMax) return undefined;
    const bytes = orNothing(() => readRegularFile(found.real, this.#bytesMax));
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /** Names of the folders in a folder, links to such within the fence included. */
  foldersIn(path: string): string[] {
    return this.#namesIn(path, "folder");
  }

  /** Names of the files in a folder, in order. */
  filesIn(path: string): string[] {
    return this.#namesIn(path, "file").toSorted();
  }

  #namesIn(path: string, kind: Found["kind"]): string[] {
    const found = this.#find(path);
    if (found?.kind !== "folder") return [];
    const names = orNothing(() => readdirSync(found.real)) ?? [];
    return names.filter((name) => this.#find(join(path, name))?.kind === kind);
  }

  /** The real path of what is within the fence; of anything else the path itself. */
  realpath(path: string): string {
    return this.#find(path)?.real ?? path;
  }

  /** Why a path is not to be read, in words. */
  refusal(path: string): string {
    const found = this.#find(path);
    if (found === null) {
      return orNothing(() => lstatSync(path)) === undefined
        ? "ENOENT: no such file"
        : "it leads out of its folder, or is no file";
    }
    return found.kind === "file" ? `more than ${this.#bytesMax} bytes` : "it is no file";
  }

  #find(path: string): Found | null {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found = orNothing(() => this.#look(path)) ?? null;
    this.#found.set(path, found);
    return found;
  }

  /** Whoever asks for what is elsewhere by name is not even looked for. */
  #look(path: string): Found | undefined {
    if (!isAbsolute(path)) return undefined;
    const asked = resolve(path);
    if (!this.#asked.some((folder) => isBelow(folder, asked))) return undefined;
    const told = lstatSync(asked, { throwIfNoEntry: false });
    if (told === undefined) return undefined;
    const real = realpathSync.native(asked);
    if (!this.#real.some((folder) => isBelow(folder, real))) return undefined;
    return foundAt(real, told.isSymbolicLink() ? lstatSync(real) : told);
  }
}

type Found = {
  readonly kind: "file" | "folder";
  readonly real: string;
  readonly size: number;
};

function foundAt(real: string, told: Stats): Found | undefined {
  if (told.isFile()) return { kind: "file", real, size: told.size };
  return told.isDirectory() ? { kind: "folder", real, size: 0 } : undefined;
}

/** Whether a path is a folder or lies in it; both are absolute and normalized. */
export function isBelow(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The folders that a folder lies in. */
function above(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [] : [parent, ...above(parent)];
}

/** Whatever has come to stand at the path meanwhile: no link, no pipe that blocks, no device. */
function readRegularFile(path: string, bytesMax: number): Buffer | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const told = fstatSync(file);
    if (!told.isFile() || told.size > bytesMax) return undefined;
    const bytes = Buffer.alloc(told.size);
    let at = 0;
    for (let more = -1; more !== 0 && at < bytes.length; at += more) {
      more = readSync(file, bytes, at, bytes.length - at, at);
    }
    return bytes.subarray(0, at);
  } finally {
    closeSync(file);
  }
}

function textOf(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  const isMarked = first === 0xef && second === 0xbb && bytes[2] === 0xbf;
  return bytes.toString("utf8", isMarked ? 3 : 0);
}

/**
 * What says that nothing is to be had at a path. Anything else, such as too many open files or a
 * failing disk, is no property of the tree: it must not look like one.
 */
const NOTHING_THERE = [
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "EACCES",
  "EPERM",
  "ENAMETOOLONG",
  "EINVAL",
  "ENXIO",
  "ENODEV",
  "ERR_INVALID_ARG_VALUE",
] as const;

function orNothing<Value>(get: () => Value): Value | undefined {
  try {
    return get();
  } catch (err) {
    if (hasCode(err, ...NOTHING_THERE)) return undefined;
    throw err;
  }
}
