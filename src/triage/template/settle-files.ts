import { isLockfile } from "../change/file-kinds.ts";
import { isRegular, type TreeEntry } from "../repository/list-tree.ts";
import { type Conflict, conflictHunks } from "./conflict-hunks.ts";
import {
  decide,
  editsOf,
  locate,
  type MappedChange,
  type Settled,
  type ToMerge,
} from "./decide.ts";
import type { Disposition } from "./disposition.ts";
import type { JoinedStore } from "./joined-store.ts";
import { type Merged, mergeFiles } from "./merge-files.ts";
import type { Outcome } from "./outcome.ts";
import { findRenames } from "./renames.ts";
import { withRoom } from "./with-room.ts";

/** A change of a file, and why it is not wanted. */
export type Planned = {
  readonly change: MappedChange;
  readonly skipped: "skipped_divergent" | "skipped_strategy" | null;
};

export type Surroundings = {
  /** The derivative's files. */
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** Paths in the derivative at which the template had a file before the change. */
  readonly counterparts: ReadonlySet<string>;
  /** Paths of the template whose change was ported by another commit. */
  readonly ported: ReadonlySet<string>;
  /** Merge conflicting files since an older base; by their place, the merged blob. */
  readonly mergeSince: (
    conflicts: ReadonlyMap<number, ToMerge>,
  ) => Promise<ReadonlyMap<number, { readonly id: string; readonly since: string }>>;
};

export type SettledFiles = { readonly outcomes: readonly Outcome[]; readonly capsHit: string[] };

/** Find out what becomes of each change, in their order. */
export async function settleFiles(
  store: JoinedStore,
  planned: readonly Planned[],
  around: Surroundings,
): Promise<SettledFiles> {
  const { decisions, capsHit } = await decideAll(store, planned, around);
  const outcomes = new Map<number, Outcome>();
  const jobs = new Map<number, ToMerge>();
  for (const [place, decision] of decisions.entries()) {
    const { skipped = null, change } = planned[place] ?? {};
    if ("disposition" in decision && (decision.disposition === "already_present" || !skipped)) {
      outcomes.set(place, outcomeOf(decision));
    } else if (skipped !== null) {
      outcomes.set(place, plain(skipped, decision.path));
    } else if (isLockfile(change?.templatePath ?? "")) {
      outcomes.set(place, plain("generated", decision.path));
    } else if ("ours" in decision) {
      jobs.set(place, decision);
    }
  }
  const isPorted = (place: number) => around.ported.has(planned[place]?.change.templatePath ?? "");
  const merged = await mergeAll(store, jobs, { isPorted, mergeSince: around.mergeSince });
  for (const [place, outcome] of merged.outcomes) outcomes.set(place, outcome);
  const all = decisions.map(({ path }, place) => outcomes.get(place) ?? plain("unknown", path));
  const room = withRoom(all, around.entries);
  return { outcomes: room.outcomes, capsHit: [...capsHit, ...merged.capsHit, ...room.capsHit] };
}

async function decideAll(
  store: JoinedStore,
  planned: readonly Planned[],
  { entries, counterparts }: Surroundings,
): Promise<{ decisions: (Settled | ToMerge)[]; capsHit: string[] }> {
  const places = planned.map(({ change }) => locate(change, entries));
  const absent = planned.flatMap(({ change: { before, after } }, place) => {
    const isFile = before !== null && after !== null && isRegular(before.mode);
    return isFile && places[place] === null && isRegular(after.mode) ? [before.id] : [];
  });
  const candidates = [...entries.values()].filter(({ path }) => !counterparts.has(path));
  const { renames, isCut } = await findRenames(store, absent, candidates);
  const byId = new Map(candidates.filter(isTelling).map((entry) => [entry.id, entry]));
  const decisions = planned.map(({ change }, place) => {
    const { before, after } = change;
    const moved = before === null ? byId.get(after?.id ?? "") : renames.get(before.id);
    const isRenamed = after !== null && moved !== undefined;
    const decision = decide(change, places[place] ?? (isRenamed ? moved : null));
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

type MergeOptions = {
  readonly isPorted: (place: number) => boolean;
  readonly mergeSince: Surroundings["mergeSince"];
};

async function mergeAll(
  store: JoinedStore,
  jobs: ReadonlyMap<number, ToMerge>,
  { isPorted, mergeSince }: MergeOptions,
): Promise<{ outcomes: Map<number, Outcome>; capsHit: string[] }> {
  const results = await mergeFiles(store, [...jobs.values()]);
  const outcomes = new Map<number, Outcome>();
  const conflicts = new Map<number, { job: ToMerge; merged: Merged & { outcome: "conflict" } }>();
  const capsHit = new Set<string>();
  for (const [index, [place, job]] of [...jobs].entries()) {
    const merged = results[index] ?? { outcome: "not_merged" };
    if (merged.outcome === "not_merged") capsHit.add("merges");
    if (merged.outcome === "too_large") capsHit.add("file_bytes");
    if (merged.outcome !== "conflict") outcomes.set(place, mergedOutcome(job, merged));
    else if (isPorted(place)) outcomes.set(place, plain("already_present", job.path));
    else conflicts.set(place, { job, merged });
  }
  const open = new Map([...conflicts].map(([place, { job }]) => [place, job]));
  for (const [place, { id, since }] of await mergeSince(open)) {
    const job = open.get(place);
    if (job === undefined) continue;
    conflicts.delete(place);
    outcomes.set(place, { ...mergedOutcome(job, { outcome: "clean", id }), since });
  }
  const texts = [...conflicts.values()].map(
    ({ job, merged }): Conflict => ({ ...job, id: merged.id, text: merged.text }),
  );
  const hunks = await conflictHunks(store, texts);
  for (const [index, [place, { job }]] of [...conflicts].entries()) {
    const told = hunks[index];
    if (told?.isCut === true) capsHit.add("hunks");
    outcomes.set(place, { ...plain("conflicts", job.path), hunks: told?.hunks ?? [] });
  }
  return { outcomes, capsHit: [...capsHit] };
}

function mergedOutcome(job: ToMerge, merged: Exclude<Merged, { outcome: "conflict" }>): Outcome {
  if (merged.outcome !== "clean") {
    return plain(merged.outcome === "not_merged" ? "unknown" : merged.outcome, job.path);
  }
  // The merge brings nothing: the derivative has all of the change, among changes of its own.
  if (merged.id === job.ours && job.movedFrom === null) return plain("already_present", job.path);
  return { ...plain("merges_cleanly", job.path), edits: editsOf(job, merged.id) };
}

function outcomeOf({ disposition, path, edits }: Settled): Outcome {
  return { ...plain(disposition, path), edits };
}

function plain(disposition: Disposition, path: string): Outcome {
  return { path, disposition, edits: [], hunks: [], since: null };
}
