import { PermanentError, type RepositoryConfig } from "../../index.ts";
import { type AnalysisProgress, sortedSet } from "../facts/analysis.ts";
import type { ChangedFile } from "../facts/change-set.ts";
import { REPOSITORY_LIMITS } from "../facts/limits.ts";
import { displayText } from "../facts/result.ts";
import { pathOf, type RawChange, type RawSide, rawDiff } from "../sources/git/diff.ts";
import { changeSetOfRange } from "../sources/git/git-change-set.ts";
import { isRegular } from "../sources/git/read-objects.ts";
import { type CommitRange, resolveCommit } from "../sources/git/resolve-commit.ts";
import type { Assessment } from "./assess.ts";
import type { MappedSide } from "./decide-file.ts";
import {
  type Ancestry,
  ancestryOf,
  ownChanges,
  portedPaths,
  type RangeCommit,
  rangeCommits,
} from "./history.ts";
import { type JoinedStore, treeListing } from "./joined-store.ts";
import { mergeWithOlderBase, type OlderBase } from "./merge-older-base.ts";
import { mapPathOf, type TemplateConfig } from "./payload.ts";
import { type Assessed, assessAll, explainAll } from "./read-files.ts";
import { type Planned, type SettledFiles, settleFiles } from "./settle-files.ts";
import { applies, needsHand, type SyncedFile, type SyncFacts } from "./sync-facts.ts";
import { patchOf } from "./sync-patch.ts";

/** A change of a template, and the derivative that may take it, both seen by one store. */
type GitSync = {
  readonly store: JoinedStore;
  readonly range: CommitRange;
  readonly derivative: {
    readonly tree: string;
    /** Null: its folder has no history. */
    readonly commit: string | null;
  };
  readonly config: TemplateConfig;
  readonly repositories: RepositoryConfig;
};

/** Hold each file of the change against the derivative, by contents and by history. */
export async function gitSync(
  sync: GitSync,
  onProgress: (at: AnalysisProgress) => void,
): Promise<SyncFacts> {
  const { store, derivative } = sync;
  onProgress({ percent: 15, step: "reading the change" });
  const read = await readChange(sync);
  onProgress({ percent: 35, step: "comparing the histories" });
  const ancestry = await ancestryIn(sync, read.commits);
  onProgress({ percent: 50, step: "merging" });
  const { commits, isLong } = read;
  const about = { config: sync.config, texts: { message: read.changeSet.message, commits } };
  const assessed = await assessAll(read.changeSet.files, about, store.signal);
  const changed = changedFiles(read.raw.changes, assessed);
  const older = await olderBase(sync, ancestry);
  const settled = await settle(sync, changed, {
    ported: portedPaths({ commits, isCut: isLong }, ancestry),
    older: older.base,
  });
  onProgress({ percent: 80, step: "proving the patch" });
  const patch = await patchOf(store, derivative.tree, settled.outcomes);
  const { files, degraded } = await syncedFiles(changed, settled.outcomes, store.signal);
  return {
    files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    patch: patch.patch,
    mergeBase: ancestry.mergeBase,
    behind: ancestry.behind,
    ported: [...ancestry.ported].toSorted(),
    ownChanges: await ownChangesOn(sync, ancestry, files),
    isPayloadOnly: false,
    truncated: false,
    degraded: sortedSet([...older.degraded, ...patch.degraded, ...assessed.degraded, ...degraded]),
    capsHit: sortedSet([
      ...read.raw.capsHit,
      ...read.changeSet.capsHit,
      ...settled.capsHit,
      ...patch.capsHit,
      ...(isLong ? ["commits"] : []),
      ...(ancestry.isCut ? ["history"] : []),
    ]),
  };
}

/** What changed, by git's own records and by lines, and the commits that did it. */
async function readChange({ store, range, repositories }: GitSync) {
  const { signal } = store;
  const { base, head, mirror } = range;
  const raw = await rawDiff(mirror, base, head, { signal, limits: REPOSITORY_LIMITS });
  const changeSet = await changeSetOfRange(mirror, range, repositories, { signal });
  const { commits, isCut: isLong } = await rangeCommits(store, { base, head });
  return { raw, changeSet, commits, isLong };
}

async function ancestryIn(
  { store, range: { base, head }, derivative }: GitSync,
  commits: readonly RangeCommit[],
): Promise<Ancestry> {
  return derivative.commit === null
    ? { mergeBase: null, behind: 0, ported: new Set(), isCut: false }
    : await ancestryOf(store, { base, head, target: derivative.commit }, commits);
}

type Changed = {
  readonly raw: RawChange;
  readonly file: ChangedFile;
  readonly assessment: Assessment;
};

function changedFiles(changes: readonly RawChange[], { files }: Assessed): Changed[] {
  const byPath = new Map(files.map((one) => [one.file.path, one]));
  return changes.flatMap((raw) => {
    const found = byPath.get(pathOf(raw));
    return found === undefined ? [] : [{ raw, ...found }];
  });
}

type History = { readonly ported: ReadonlySet<string>; readonly older: OlderBase | null };

async function settle(
  { store, range, derivative, config }: GitSync,
  changed: readonly Changed[],
  { ported, older }: History,
): Promise<SettledFiles> {
  const mapPath = mapPathOf(config);
  const mapped = (side: RawSide | null): MappedSide | null =>
    side === null ? null : { ...side, path: mapPath(side.path) };
  const planned = changed.map(
    ({ raw, assessment }): Planned => ({
      change: {
        templatePath: pathOf(raw),
        before: mapped(raw.before),
        after: mapped(raw.after),
      },
      skipped: assessment.skipped,
    }),
  );
  const target = await treeListing(store, derivative.tree);
  const template = await treeListing(store, range.base);
  return await settleFiles(store, planned, {
    entries: target,
    counterparts: new Set([...template.keys()].map(mapPath)),
    ported,
    mergeSince: async (conflicts) => {
      const jobs = [...conflicts].map(([index, job]) => {
        const templateBefore = changed[index]?.raw.before?.path ?? null;
        return [index, { ...job, templateBefore }] as const;
      });
      return await mergeWithOlderBase(store, older, new Map(jobs));
    },
  });
}

/** Where the two were one, if the derivative lacks something that came before the change. */
async function olderBase(
  { range, derivative, config, store }: GitSync,
  { mergeBase, behind }: Ancestry,
): Promise<{ base: OlderBase | null; degraded: readonly string[] }> {
  if (mergeBase !== null && derivative.commit !== null) {
    const found = { mergeBase, head: range.head, target: derivative.commit };
    return { base: behind > 0 ? { kind: "history", ...found } : null, degraded: [] };
  }
  if (config.base_ref == null || config.direction === "reverse")
    return { base: null, degraded: [] };
  try {
    const baseRef = await resolveCommit(range.mirror, config.base_ref, store.signal);
    return { base: { kind: "copy", baseRef }, degraded: [] };
  } catch (err) {
    if (!(err instanceof PermanentError)) throw err;
    return { base: null, degraded: [`base_ref was not used: ${err.message}`] };
  }
}

/** A document takes its time to be parsed: only what somebody will read of is explained. */
async function syncedFiles(
  changed: readonly Changed[],
  outcomes: SettledFiles["outcomes"],
  signal: AbortSignal,
): Promise<{ files: SyncedFile[]; degraded: string[] }> {
  const relevant = outcomes.flatMap((outcome, index) => {
    const file = changed[index]?.file;
    return file !== undefined && isRead(outcome) ? [file] : [];
  });
  const explained = await explainAll(relevant, signal);
  const files: SyncedFile[] = [];
  for (const [index, { edits: _, ...outcome }] of outcomes.entries()) {
    const one = changed[index];
    if (one === undefined) continue;
    const { concern, intent } = one.assessment;
    const before = one.raw.before?.path;
    files.push({
      ...outcome,
      templatePath: one.file.path,
      ...(before === undefined || before === one.file.path ? {} : { templateBefore: before }),
      concern: concern.name,
      shared: concern.shared,
      intent,
      changes: [
        ...(isRead(outcome) ? entryChanges(one.raw) : []),
        ...(explained.changes.get(one.file) ?? []),
      ],
    });
  }
  return { files, degraded: explained.degraded };
}

function isRead(outcome: Pick<SyncedFile, "disposition">): boolean {
  return applies(outcome) || needsHand(outcome);
}

/** What a change does to a file beside its content, which no reader of contents sees. */
function entryChanges({ before, after }: RawChange): string[] {
  if (before === null || after === null) return [];
  const isExecutable = after.mode === "100755";
  const isMode = before.mode !== after.mode && isRegular(before.mode) && isRegular(after.mode);
  return [
    ...(before.path === after.path ? [] : [`moved from ${displayText(before.path, 200)}`]),
    ...(isMode ? [isExecutable ? "made executable" : "no longer executable"] : []),
  ];
}

/** Asked for by a template that takes changes back, unless it is the one that gives. */
async function ownChangesOn(
  { store, range, derivative, config }: GitSync,
  { mergeBase, isCut }: Ancestry,
  files: SyncFacts["files"],
): Promise<SyncFacts["ownChanges"]> {
  const isAsked = config.bidirectional && config.direction === "forward";
  if (!isAsked || isCut || derivative.commit === null) return null;
  const heads = { head: range.head, target: derivative.commit, mergeBase };
  const shared = files.filter(({ disposition }) => !/^(?:skipped_|missing$)/.test(disposition));
  return await ownChanges(
    store,
    heads,
    shared.map(({ path }) => path),
  );
}
