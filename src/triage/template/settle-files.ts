import { isLockfile } from "../facts/file-kinds.ts";
import { REPOSITORY_LIMITS, TEMPLATE_LIMITS } from "../facts/limits.ts";
import { isRegular, type TreeEntry } from "../sources/git/read-objects.ts";
import { isSafePath } from "../sources/tree-writer.ts";
import {
  type DecidedFile,
  decideFile,
  editsOf,
  type FileOutcome,
  locate,
  type MappedChange,
  type ToMerge,
  type TreeEdit,
} from "./decide-file.ts";
import type { JoinedStore } from "./joined-store.ts";
import { type Conflict, conflictHunks, type Merged, mergeFiles } from "./merge-files.ts";
import type { Disposition } from "./sync-facts.ts";

/** A change of a file, and why it is not wanted. */
export type Planned = {
  readonly change: MappedChange;
  readonly skipped: "skipped_divergent" | "skipped_strategy" | null;
};

type DerivativeView = {
  /** The derivative's files. */
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** Paths in the derivative at which the template had a file before the change. */
  readonly counterparts: ReadonlySet<string>;
  /** Paths of the template whose change was ported by another commit. */
  readonly ported: ReadonlySet<string>;
  /** Merge conflicting files since an older base; by their index, the merged blob. */
  readonly mergeSince: (
    conflicts: ReadonlyMap<number, ToMerge>,
  ) => Promise<ReadonlyMap<number, { readonly id: string; readonly since: string }>>;
};

export type SettledFiles = {
  readonly outcomes: readonly FileOutcome[];
  readonly capsHit: string[];
};

/** Find out what becomes of each change, in their order. */
export async function settleFiles(
  store: JoinedStore,
  planned: readonly Planned[],
  around: DerivativeView,
): Promise<SettledFiles> {
  const { decisions, capsHit } = await decideAll(store, planned, around);
  const outcomes = new Map<number, FileOutcome>();
  const jobs = new Map<number, ToMerge>();
  for (const [index, decision] of decisions.entries()) {
    const { skipped = null, change } = planned[index] ?? {};
    if ("disposition" in decision && (decision.disposition === "already_present" || !skipped)) {
      outcomes.set(index, outcomeOf(decision));
    } else if (skipped !== null) {
      outcomes.set(index, plain(skipped, decision.path));
    } else if (isLockfile(change?.templatePath ?? "")) {
      outcomes.set(index, plain("generated", decision.path));
    } else if ("ours" in decision) {
      jobs.set(index, decision);
    }
  }
  const isPorted = (index: number) => around.ported.has(planned[index]?.change.templatePath ?? "");
  const merged = await mergeAll(store, jobs, { isPorted, mergeSince: around.mergeSince });
  for (const [index, outcome] of merged.outcomes) outcomes.set(index, outcome);
  const all = decisions.map(({ path }, index) => outcomes.get(index) ?? plain("unknown", path));
  const room = withoutOverwrites(all, around.entries);
  return { outcomes: room.outcomes, capsHit: [...capsHit, ...merged.capsHit, ...room.capsHit] };
}

async function decideAll(
  store: JoinedStore,
  planned: readonly Planned[],
  { entries, counterparts }: DerivativeView,
): Promise<{ decisions: (DecidedFile | ToMerge)[]; capsHit: string[] }> {
  const located = planned.map(({ change }) => locate(change, entries));
  const absent = planned.flatMap(({ change: { before, after } }, index) => {
    const isFile = before !== null && after !== null && isRegular(before.mode);
    return isFile && located[index] === null && isRegular(after.mode) ? [before.id] : [];
  });
  const candidates = [...entries.values()].filter(({ path }) => !counterparts.has(path));
  const { renames, isCut } = await findRenames(store, absent, candidates);
  const byId = new Map(candidates.filter(isTelling).map((entry) => [entry.id, entry]));
  const decisions = planned.map(({ change }, index) => {
    const { before, after } = change;
    const moved = before === null ? byId.get(after?.id ?? "") : renames.get(before.id);
    const elsewhere = after === null && located[index] === null && byId.get(before?.id ?? "");
    // Deleted there, and kept here by another name.
    if (elsewhere) return { disposition: "deleted" as const, path: elsewhere.path, edits: [] };
    const isRenamed = after !== null && moved !== undefined;
    const decision = decideFile(change, located[index] ?? (isRenamed ? moved : null));
    // It may lie where nobody has looked.
    const isUnseen = isCut && "disposition" in decision && decision.disposition === "missing";
    return isUnseen ? { ...decision, disposition: "unknown" as const } : decision;
  });
  return { decisions, capsHit: isCut ? ["renames"] : [] };
}

/** Small files are the same by chance. */
function isTelling({ size, mode }: TreeEntry): boolean {
  return isRegular(mode) && size >= 64;
}

type Conflicting = Extract<Merged, { outcome: "conflict" }>;

type MergeOptions = {
  readonly isPorted: (index: number) => boolean;
  readonly mergeSince: DerivativeView["mergeSince"];
};

async function mergeAll(
  store: JoinedStore,
  jobs: ReadonlyMap<number, ToMerge>,
  { isPorted, mergeSince }: MergeOptions,
): Promise<{ outcomes: Map<number, FileOutcome>; capsHit: string[] }> {
  const results = await mergeFiles(store, [...jobs.values()]);
  const outcomes = new Map<number, FileOutcome>();
  const conflicts = new Map<number, { job: ToMerge; merged: Conflicting }>();
  const capsHit = new Set<string>();
  for (const [at, [index, job]] of [...jobs].entries()) {
    const merged = results[at] ?? { outcome: "not_merged" };
    if (merged.outcome === "not_merged") capsHit.add("merges");
    if (merged.outcome === "too_large") capsHit.add("file_bytes");
    if (merged.outcome !== "conflict") outcomes.set(index, mergedOutcome(job, merged));
    else if (isPorted(index)) outcomes.set(index, plain("already_present", job.path));
    else conflicts.set(index, { job, merged });
  }
  const open = new Map([...conflicts].map(([index, { job }]) => [index, job]));
  for (const [index, { id, since }] of await mergeSince(open)) {
    const job = open.get(index);
    if (job === undefined) continue;
    conflicts.delete(index);
    outcomes.set(index, { ...mergedOutcome(job, { outcome: "clean", id }), since });
  }
  const texts = [...conflicts.values()].map(
    ({ merged: { sides, id, text } }): Conflict => ({ ...sides, id, text }),
  );
  const hunks = await conflictHunks(store, texts);
  for (const [at, [index, { job, merged }]] of [...conflicts].entries()) {
    const found = hunks[at];
    if (found?.isCut === true) capsHit.add("hunks");
    outcomes.set(index, { ...conflictOutcome(job, merged), hunks: found?.hunks ?? [] });
  }
  return { outcomes, capsHit: [...capsHit] };
}

/** What fits of the change goes into the patch, a new name and a new mode too. */
function conflictOutcome(job: ToMerge, { partId }: Conflicting): FileOutcome {
  const isPartial = partId !== job.ours || changesEntry(job);
  const edits = isPartial ? editsOf(job, partId) : [];
  return { ...plain("conflicts", job.path), edits, isPartial };
}

/** Whether a file gets another name or another mode, whatever becomes of its lines. */
function changesEntry({ movedFrom, mode, oursMode }: ToMerge): boolean {
  return movedFrom !== null || mode !== oursMode;
}

function mergedOutcome(
  job: ToMerge,
  merged: Exclude<Merged, { outcome: "conflict" }>,
): FileOutcome {
  if (merged.outcome !== "clean") {
    return plain(merged.outcome === "not_merged" ? "unknown" : merged.outcome, job.path);
  }
  // The merge brings nothing: the derivative has all of the change, among changes of its own.
  if (merged.id === job.ours && !changesEntry(job)) return plain("already_present", job.path);
  return { ...plain("merges_cleanly", job.path), edits: editsOf(job, merged.id) };
}

function outcomeOf({ disposition, path, edits }: DecidedFile): FileOutcome {
  return { ...plain(disposition, path), edits };
}

function plain(disposition: Disposition, path: string): FileOutcome {
  return { path, disposition, edits: [], hunks: [], rejects: null, isPartial: false, since: null };
}

type Room = { readonly outcomes: readonly FileOutcome[]; readonly capsHit: readonly string[] };

/**
 * The outcomes, of which nothing is written over what the derivative has: a file where it has a
 * folder, a folder where it has a file, and two files of the template at one path are left to a
 * person. A path that could leave the work tree is in no patch.
 */
function withoutOverwrites(
  outcomes: readonly FileOutcome[],
  entries: ReadonlyMap<string, TreeEntry>,
): Room {
  const written = outcomes.flatMap(({ edits }) => edits).filter(isWritten);
  const counts = new Map<string, number>();
  for (const { path } of written) counts.set(path, (counts.get(path) ?? 0) + 1);
  const gone = new Set(outcomes.flatMap(({ edits }) => edits).flatMap(removedPath));
  const kept = new Set([...entries.keys()].filter((path) => !gone.has(path)));
  const folders = new Set([...kept].flatMap(foldersOf));
  const isBlocked = ({ path }: TreeEdit): boolean =>
    (counts.get(path) ?? 0) > 1 ||
    folders.has(path) ||
    foldersOf(path).some((folder) => kept.has(folder));
  return {
    outcomes: outcomes.map((outcome) => {
      const left = { ...outcome, edits: [], isPartial: false };
      if (isUnsafe(outcome)) return { ...left, disposition: "unknown" };
      return outcome.edits.filter(isWritten).some(isBlocked)
        ? { ...left, disposition: "conflicts" }
        : outcome;
    }),
    capsHit: outcomes.some(isUnsafe) ? ["paths"] : [],
  };
}

function isUnsafe({ edits }: FileOutcome): boolean {
  return edits.some(({ path }) => !isSafePath(path));
}

function removedPath({ path, id }: TreeEdit): string[] {
  return id === null ? [path] : [];
}

function isWritten({ id }: TreeEdit): boolean {
  return id !== null;
}

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}

export type Renames = {
  /** By the id of the template's blob. */
  readonly renames: ReadonlyMap<string, TreeEntry>;
  /** Whether there were too many files to look for any but those whose content is the same. */
  readonly isCut: boolean;
};

/**
 * Where files of the template lie in the derivative under other names, by the ids of their
 * blobs: at least half of the content is the same. `candidates` are the derivative's files
 * that are no counterpart of another file.
 */
export async function findRenames(
  store: JoinedStore,
  missing: readonly string[],
  candidates: readonly TreeEntry[],
  { renamesMax = TEMPLATE_LIMITS.renamesMax }: { readonly renamesMax?: number } = {},
): Promise<Renames> {
  const { fileBytesMax } = REPOSITORY_LIMITS;
  const nothing: Renames = { renames: new Map(), isCut: false };
  if (missing.length === 0) return nothing;
  const wanted = [...new Set(missing)].toSorted();
  const possible = candidates
    .filter(({ mode, size }) => isRegular(mode) && size > 0 && size <= fileBytesMax)
    .toSorted((left, right) => (left.path < right.path ? -1 : 1));
  if (possible.length === 0) return nothing;
  const isCut = wanted.length * possible.length > renamesMax;
  const before = await flatTree(store, wanted);
  const ids = possible.map(({ id }) => id);
  const after = await flatTree(store, ids, wanted.length);
  const similarity = isCut ? "-M100%" : "-M50%";
  const flags = ["-r", "-z", "--raw", "--no-abbrev", similarity, "-l0", "--diff-filter=R"];
  const { stdout } = await store.run(["diff-tree", ...flags, before, after]);
  const fields = stdout.toString("utf8").split("\0");
  const renames = new Map<string, TreeEntry>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const id = wanted[Number(fields[at + 1])];
    const entry = possible[Number(fields[at + 2]) - wanted.length];
    if (id !== undefined && entry !== undefined) renames.set(id, entry);
  }
  return { renames, isCut };
}

const DIGITS = 8;

/** A tree of blobs under numbers, so that names say nothing. */
async function flatTree(store: JoinedStore, ids: readonly string[], from = 0): Promise<string> {
  const input = ids
    .map((id, index) => `100644 blob ${id}\t${String(from + index).padStart(DIGITS, "0")}\0`)
    .join("");
  return await store.line(["mktree", "-z"], { input });
}
