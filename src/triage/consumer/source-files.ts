import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Fence } from "../fence.ts";
import { LIMITS } from "../limits.ts";

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
const SKIPPED = new Set(["node_modules", "dist", "coverage"]);

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
      if (!SKIPPED.has(entry.name) && !entry.name.startsWith(".")) yield* walk(root, path);
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
