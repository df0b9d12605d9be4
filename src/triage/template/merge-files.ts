import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blobSizes, isBinary, readBlobs } from "../repository/blobs.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

/** Three versions of a file, by the ids of their blobs. `base` null: an empty file. */
export type MergeJob = {
  readonly ours: string;
  readonly base: string | null;
  readonly theirs: string;
};

export type Merged =
  /** `id` is that of the merged blob, in the store. */
  | { readonly outcome: "clean"; readonly id: string }
  /** `text` has the conflicts between markers of MARKER_SIZE; `id` is its blob. */
  | { readonly outcome: "conflict"; readonly id: string; readonly text: string }
  | { readonly outcome: "binary" | "too_large" | "not_merged" };

/** Markers that no file has by itself. */
export const MARKER_SIZE = 41;

/** Merge each by `git merge-file`. Beyond the limit they are not merged. */
export async function mergeFiles(
  store: JoinedStore,
  jobs: readonly MergeJob[],
  { mergesMax = TEMPLATE_LIMITS.mergesMax }: { readonly mergesMax?: number } = {},
): Promise<Merged[]> {
  if (jobs.length === 0) return [];
  const contents = await writeContents(store, jobs.slice(0, mergesMax));
  const folder = join(store.folder, "merged");
  await mkdir(folder, { recursive: true });

  const outputs = new Map<number, { readonly path: string; readonly isClean: boolean }>();
  const results = jobs.map((job, place): Merged | null =>
    place >= mergesMax ? { outcome: "not_merged" } : unmergeable(job, contents),
  );
  const places = results.flatMap((result, place) => (result === null ? [place] : []));
  const mergeNext = async (): Promise<void> => {
    for (let place = places.shift(); place !== undefined; place = places.shift()) {
      const job = jobs[place];
      if (job === undefined) continue;
      const path = join(folder, String(place));
      const { text, isClean } = await mergeOne(store, job);
      await writeFile(path, text);
      outputs.set(place, { path, isClean });
    }
  };
  const lanes = Array.from({ length: TEMPLATE_LIMITS.mergesAtOnceMax }, mergeNext);
  await Promise.all(lanes);

  const merged = [...outputs].toSorted(([left], [right]) => left - right);
  const ids = await hashAll(
    store,
    merged.map(([, { path }]) => path),
  );
  for (const [index, [place, { path, isClean }]] of merged.entries()) {
    const id = ids[index] ?? "";
    results[place] = isClean
      ? { outcome: "clean", id }
      : { outcome: "conflict", id, text: await readFile(path, "utf8") };
  }
  return results.map((result) => result ?? { outcome: "not_merged" });
}

type Contents = {
  readonly binary: ReadonlySet<string>;
  readonly large: ReadonlySet<string>;
};

function unmergeable(job: MergeJob, { binary, large }: Contents): Merged | null {
  const ids = idsOf(job);
  if (ids.some((id) => large.has(id))) return { outcome: "too_large" };
  return ids.some((id) => binary.has(id)) ? { outcome: "binary" } : null;
}

/** Put the blobs into files that git merge-file can read, named by their ids. */
async function writeContents(store: JoinedStore, jobs: readonly MergeJob[]): Promise<Contents> {
  const { gitDir, signal } = store;
  const folder = join(store.folder, "blobs");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, EMPTY), "");
  const sizes = await blobSizes(gitDir, [...new Set(jobs.flatMap(idsOf))], { signal });
  const known = [...sizes].map(([id, size]) => ({ id, size }));
  const small = known.filter(({ size }) => size <= REPOSITORY_LIMITS.fileBytesMax);
  const binary = new Set<string>();
  for await (const batch of readBlobs(gitDir, small, { signal })) {
    for (const [id, content] of batch) {
      if (isBinary(content)) binary.add(id);
      else await writeFile(join(folder, id), content);
    }
  }
  const written = new Set(small.map(({ id }) => id));
  return { binary, large: new Set(jobs.flatMap(idsOf).filter((id) => !written.has(id))) };
}

const EMPTY = "empty";

function idsOf({ ours, base, theirs }: MergeJob): string[] {
  return [ours, theirs, ...(base === null ? [] : [base])];
}

/** git tells the number of conflicts by its exit code. */
const EXIT_CODES = Array.from({ length: 128 }, (_, code) => code);

async function mergeOne(store: JoinedStore, { ours, base, theirs }: MergeJob) {
  const fileOf = (id: string) => join(store.folder, "blobs", id);
  const { stdout, exitCode } = await store.run(
    [
      "merge-file",
      "-p",
      "--quiet",
      "--diff3",
      `--marker-size=${MARKER_SIZE}`,
      "--",
      fileOf(ours),
      fileOf(base ?? EMPTY),
      fileOf(theirs),
    ],
    { exitCodes: EXIT_CODES, bytesMax: 4 * REPOSITORY_LIMITS.fileBytesMax },
  );
  return { text: stdout, isClean: exitCode === 0 };
}

async function hashAll(store: JoinedStore, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${path}\n`).join("");
  const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"] as const;
  return (await store.line([...args], { input })).split("\n");
}
