import type { TreeEntry } from "../sources/git/read-objects.ts";
import type { ToMerge } from "./decide-file.ts";
import { type JoinedStore, treeListing } from "./joined-store.ts";
import { mergeFiles } from "./merge-files.ts";

/** From where a file can be merged with all that the template did to it since. */
export type OlderBase =
  /** The histories met: git merges them as a whole. */
  | {
      readonly kind: "history";
      readonly mergeBase: string;
      readonly head: string;
      readonly target: string;
    }
  /** A copy: the template's commit that was copied. */
  | { readonly kind: "copy"; readonly baseRef: string };

type MergedSince = ReadonlyMap<number, { readonly id: string; readonly since: string }>;

/**
 * A change conflicts where the derivative lacks an earlier one: merge such files with all
 * that came since the two were one. Only those that come out clean are told.
 */
export async function mergeWithOlderBase(
  store: JoinedStore,
  older: OlderBase | null,
  conflicts: ReadonlyMap<number, ToMerge & { readonly templateBefore: string | null }>,
): Promise<MergedSince> {
  if (older === null || conflicts.size === 0) return new Map();
  return older.kind === "history"
    ? await byHistory(store, older, conflicts)
    : await byCopy(store, older.baseRef, conflicts);
}

async function byHistory(
  store: JoinedStore,
  { mergeBase, head, target }: Extract<OlderBase, { kind: "history" }>,
  conflicts: ReadonlyMap<number, ToMerge>,
): Promise<MergedSince> {
  const whole = await wholeMerge(store, { target, head });
  if (whole === null) return new Map();
  const merged = [...conflicts].flatMap(([index, { path, ours }]) => {
    const entry = whole.entries.get(path);
    const isClean = entry !== undefined && !whole.conflicts.has(path) && entry.id !== ours;
    return isClean ? [[index, { id: entry.id, since: mergeBase }] as const] : [];
  });
  return new Map(merged);
}

async function byCopy(
  store: JoinedStore,
  baseRef: string,
  conflicts: ReadonlyMap<number, ToMerge & { readonly templateBefore: string | null }>,
): Promise<MergedSince> {
  const entries = await treeListing(store, baseRef);
  const jobs = [...conflicts].flatMap(([index, job]) => {
    const base = entries.get(job.templateBefore ?? "")?.id;
    return base === undefined || base === job.base ? [] : [{ index, job: { ...job, base } }];
  });
  const results = await mergeFiles(
    store,
    jobs.map(({ job }) => job),
  );
  const merged = jobs.flatMap(({ index, job }, at) => {
    const result = results[at];
    return result?.outcome === "clean" && result.id !== job.ours
      ? [[index, { id: result.id, since: baseRef }] as const]
      : [];
  });
  return new Map(merged);
}

/** What comes out when the derivative merges the template, as `git merge` would. */
type WholeMerge = {
  readonly conflicts: ReadonlySet<string>;
  readonly entries: ReadonlyMap<string, TreeEntry>;
};

/**
 * Merge two commits of one history, in memory. Null where git is older than 2.38 and cannot:
 * then only the change itself was merged.
 */
async function wholeMerge(
  store: JoinedStore,
  { target, head }: { readonly target: string; readonly head: string },
): Promise<WholeMerge | null> {
  const flags = ["--write-tree", "--name-only", "--no-messages", "-z"];
  const { stdout, exitCode } = await store.run(["merge-tree", ...flags, target, head], {
    exitCodes: [0, 1, 128, 129],
  });
  if (exitCode > 1) return null;
  const [tree = "", ...conflicts] = stdout.toString("utf8").split("\0");
  const entries = await treeListing(store, tree);
  return { conflicts: new Set(conflicts.filter((path) => path !== "")), entries };
}
