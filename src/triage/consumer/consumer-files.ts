import { createHash } from "node:crypto";
import { type Dirent, readdirSync, realpathSync } from "node:fs";
import { join, posix } from "node:path";
import { isCode, isData, isDockerfile, isEnvFile, isShell } from "../facts/file-kinds.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";

/** A file of the consumer that can import something, or is a package.json. */
export type ConsumerFile = { readonly path: string; readonly text: string };

export type ConsumerTree = {
  readonly root: string;
  /** Sorted by path; paths are relative to the root, with slashes. */
  readonly sources: readonly ConsumerFile[];
  readonly manifests: readonly ConsumerFile[];
  /** sha256 over paths and contents of all of them. */
  readonly sha: string;
  readonly capsHit: readonly string[];
};

const SOURCE = /\.[cm]?[jt]sx?$/;
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage"]);

/**
 * Read a consumer's tree, without what is installed or built. Symbolic links are not
 * followed: they may lead out of the tree or round in circles.
 */
export function readConsumerTree(root: string): ConsumerTree {
  const capsHit = new Set<string>();
  const read: ConsumerFile[] = [];
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  for (const path of walk(root, "")) {
    if (read.length >= LIMITS.filesMax) {
      capsHit.add("files");
      break;
    }
    const text = fence.readFile(join(root, path));
    if (text === undefined) capsHit.add("file_bytes");
    else read.push({ path, text });
  }
  const files = read.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  return {
    root,
    sources: files.filter(({ path }) => SOURCE.test(path)),
    manifests: files.filter(({ path }) => !SOURCE.test(path)),
    sha: shaOf(files),
    capsHit: [...capsHit].toSorted(),
  };
}

function* walk(root: string, folder: string): Generator<string> {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name) && !entry.name.startsWith(".")) yield* walk(root, path);
    } else if (entry.isFile() && (SOURCE.test(entry.name) || entry.name === "package.json")) {
      yield path;
    }
  }
}

function shaOf(files: readonly ConsumerFile[]): string {
  const hash = createHash("sha256");
  for (const { path, text } of files) hash.update(`${path}\0${text.length}\0${text}\0`);
  return `sha256:${hash.digest("hex")}`;
}

/** What a consumer says about a service that it uses: code, settings and how it is deployed. */
export type TextTree = {
  /** Sorted by path; paths are relative to the root, with slashes. */
  readonly files: readonly ConsumerFile[];
  /** Of the files that the relationship names, those that are there. */
  readonly interfaceFiles: readonly string[];
  /** sha256 over paths and contents of all of them. */
  readonly sha: string;
  readonly capsHit: readonly string[];
};

/** What is installed, built or recorded by tools. */
const UNSEARCHED_FOLDERS = new Set(
  "node_modules dist build coverage vendor target venv site-packages __pycache__".split(" "),
);

/** Hidden folders that say how a repository is built and deployed. */
const SHOWN = new Set([".github", ".gitlab", ".circleci", ".devcontainer", ".docker"]);

/**
 * Read the texts of a consumer's tree, those that the relationship names first, so that caps
 * cut off others. Symbolic links are not followed: they may lead out of the tree.
 */
export function readTextTree(root: string, interfaceFiles: readonly string[]): TextTree {
  const reader = new TextReader(realpathSync(root));
  const named = interfaceFiles.map((path) => posix.normalize(path));
  const present = named.filter((path) => reader.read(path));
  for (const path of reader.walk("")) {
    if (reader.isFull) break;
    reader.read(path);
  }
  return { ...reader.result(), interfaceFiles: [...new Set(present)].toSorted() };
}

class TextReader {
  readonly #root: string;
  readonly #fence: Fence;
  readonly #files = new Map<string, ConsumerFile>();
  readonly #capsHit = new Set<string>();
  #bytes = 0;

  constructor(root: string) {
    this.#root = root;
    this.#fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  }

  get isFull(): boolean {
    return this.#capsHit.has("files") || this.#capsHit.has("tree_bytes");
  }

  /** Whether the file is a text, and part of the tree's texts from here on. */
  read(path: string): boolean {
    if (this.#files.has(path)) return true;
    const size = this.#fence.sizeOf(join(this.#root, path));
    if (size === undefined) return false;
    if (size > LIMITS.fileBytesMax) {
      this.#capsHit.add("file_bytes");
      return false;
    }
    if (this.#files.size >= LIMITS.filesMax) this.#capsHit.add("files");
    if (this.#bytes + size > LIMITS.treeBytesMax) this.#capsHit.add("tree_bytes");
    if (this.isFull) return false;
    const text = this.#fence.readFile(join(this.#root, path));
    if (text === undefined || text.includes("\0")) return false;
    this.#bytes += size;
    this.#files.set(path, { path, text });
    return true;
  }

  *walk(folder: string): Generator<string> {
    const entries = readdirSync(join(this.#root, folder), { withFileTypes: true });
    for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (isEntered(entry)) yield* this.walk(path);
      } else if (entry.isFile() && tellsOfUse(path)) {
        yield path;
      }
    }
  }

  result(): Pick<TextTree, "files" | "sha" | "capsHit"> {
    const files = [...this.#files.values()].toSorted((left, right) =>
      left.path < right.path ? -1 : 1,
    );
    const hash = createHash("sha256");
    for (const { path, text } of files) hash.update(`${path}\0${text.length}\0${text}\0`);
    return {
      files,
      sha: `sha256:${hash.digest("hex")}`,
      capsHit: [...this.#capsHit].toSorted(),
    };
  }
}

function isEntered({ name }: Dirent): boolean {
  return SHOWN.has(name) || (!UNSEARCHED_FOLDERS.has(name) && !name.startsWith("."));
}

/** Prose is left out: that a README names a service is no use of it. */
function tellsOfUse(path: string): boolean {
  return isCode(path) || isData(path) || isEnvFile(path) || isDockerfile(path) || isShell(path);
}
