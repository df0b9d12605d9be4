import { hash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PermanentError } from "../../index.ts";
import { type AnalysisProgress, sortedSet } from "../facts/analysis.ts";
import { canonicalJson, configHashOf, type KeyInputs } from "../facts/cache-key.ts";
import type { ChangeSet } from "../facts/change-set.ts";
import { changeSetOfEvent } from "../sources/event/event-change-set.ts";
import type { Mirror } from "../sources/git/mirror-folder.ts";
import { remoteOf } from "../sources/git/remote.ts";
import {
  type CommitRange,
  isFolder,
  openTarget,
  requireFolder,
} from "../sources/git/resolve-commit.ts";
import { eventSync } from "../template/event-sync.ts";
import { gitSync } from "../template/git-sync.ts";
import { folderTree, type JoinedStore, joinStores } from "../template/joined-store.ts";
import type { TemplateConfig, TemplateTriagePayload } from "../template/payload.ts";
import type { SyncFacts } from "../template/sync-facts.ts";
import { findRange } from "./find-source.ts";
import type { Surroundings } from "./prepared.ts";

/**
 * What a template triage is about, known well enough to look up its verdict. What it keeps in
 * a scratch folder goes when it is disposed of.
 */
type PreparedTemplate = AsyncDisposable & {
  readonly mode: "git" | "payload";
  readonly keyInputs: KeyInputs;
  /** Where git gets the template from; null: by an event alone, or in a folder of the worker's. */
  readonly fetchFrom: string | null;
  /** Merge and compare. Once. */
  readonly read: (onProgress: (at: AnalysisProgress) => void) => Promise<SyncFacts>;
};

/**
 * Find out what a payload asks about: commits of a template or the diffs of an event, and the
 * derivative. Throws a PermanentError for what is not there or not said, a RetryableError for
 * what cannot be reached, the signal's reason when that aborts.
 */
export async function prepareTemplate(
  payload: TemplateTriagePayload,
  surroundings: Surroundings,
): Promise<PreparedTemplate> {
  const found = await findChange(payload, surroundings);
  // By an event alone the template may be anywhere, and the derivative is not looked for either.
  const isLookedFor = found.mode === "git" || saysWhereDerivativeIs(payload);
  const derivative = isLookedFor ? await findDerivative(payload, surroundings) : null;
  const store = await storeOf(found, derivative, surroundings);
  try {
    const tree = derivative === null ? null : await treeOf(store, derivative);
    return {
      mode: found.mode,
      keyInputs: keyInputsOf(payload, found, tree),
      fetchFrom: found.mode === "git" ? found.fetchFrom : null,
      read: (onProgress) => readFacts({ payload, found, tree, store, surroundings }, onProgress),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

async function storeOf(
  found: FoundChange,
  derivative: DerivativeLocation | null,
  { repositories, signal }: Surroundings,
): Promise<JoinedStore> {
  const mirrors = [
    ...(found.mode === "git" ? [found.range.mirror] : []),
    ...(derivative?.kind === "repository" ? [derivative.mirror] : []),
  ];
  const gitDirs = new Set(mirrors.map(({ gitDir }) => gitDir));
  return await joinStores([...gitDirs], repositories, signal);
}

/** What the derivative is called, and what git knows its files by. */
type DerivativeTree = { readonly tree: string; readonly commit: string | null };

async function treeOf(store: JoinedStore, derivative: DerivativeLocation): Promise<DerivativeTree> {
  if (derivative.kind === "folder") {
    return { tree: await folderTree(store, derivative.path), commit: null };
  }
  return { tree: derivative.commit, commit: derivative.commit };
}

function keyInputsOf(
  { source_repo, target_repo, change_event, relationship_config: config }: TemplateTriagePayload,
  found: FoundChange,
  derivative: DerivativeTree | null,
): KeyInputs {
  const isGit = found.mode === "git";
  return {
    sourceRepo: source_repo,
    baseSha: isGit ? found.range.base : (change_event.base_sha ?? ""),
    headSha: isGit ? found.range.head : change_event.commit_sha,
    targetRepo: target_repo,
    targetSha: nameOf(derivative),
    relationshipType: config.relationship_type,
    configHash: configHashOf(config),
    payloadHash: isGit ? null : found.payloadHash,
  };
}

function nameOf(derivative: DerivativeTree | null): string {
  if (derivative === null) return "";
  return derivative.commit ?? `tree:${derivative.tree}`;
}

type Reading = {
  readonly payload: TemplateTriagePayload;
  readonly found: FoundChange;
  readonly tree: DerivativeTree | null;
  readonly store: JoinedStore;
  readonly surroundings: Surroundings;
};

async function readFacts(
  { payload, found, tree, store, surroundings }: Reading,
  onProgress: (at: AnalysisProgress) => void,
): Promise<SyncFacts> {
  const { relationship_config: config, change_event: event } = payload;
  if (found.mode === "git") {
    if (tree === null) throw new Error("git mode has found no derivative");
    const { repositories } = surroundings;
    const sync = { store, range: found.range, derivative: tree, config, repositories };
    return await gitSync(sync, onProgress);
  }
  const derivative = tree === null ? null : { store, tree: tree.tree };
  const { signal } = surroundings;
  const sync = { event, change: found.change, derivative, config, signal };
  const facts = await eventSync(sync, onProgress);
  return { ...facts, degraded: sortedSet([...facts.degraded, ...found.degraded]) };
}

/** The change of a template: commits of its repository, or the diffs of an event. */
type FoundChange =
  | { readonly mode: "git"; readonly range: CommitRange; readonly fetchFrom: string | null }
  | {
      readonly mode: "payload";
      readonly change: ChangeSet;
      readonly payloadHash: string;
      readonly degraded: readonly string[];
    };

/**
 * Find the change: in the template's repository, or, where that cannot be had, in the diffs of
 * the event. Throws a PermanentError for a repository or a commit that is not there and an
 * event that does not say what changed, a RetryableError for a repository that cannot be
 * reached.
 */
async function findChange(
  payload: TemplateTriagePayload,
  surroundings: Surroundings,
): Promise<FoundChange> {
  const { source_repo: repo, change_event: event, relationship_config: config } = payload;
  const registered = config.source_clone_url ?? folderUrl(config, surroundings.workingDirectory);
  const { range, source, degraded } = await findRange({ repo, registered, event }, surroundings);
  if (range === null || source === null) return eventChange(payload, degraded);
  const isOfWorker = config.source_clone_url == null && source.cloneUrl !== null;
  const fetchFrom = isOfWorker ? null : remoteOf(source, surroundings.repositories).url;
  return { mode: "git", range, fetchFrom };
}

/** On the way back the relationship's folder is that of the source. */
function folderUrl({ path, direction }: TemplateConfig, workingDirectory: string): string | null {
  const isSource = path !== undefined && direction === "reverse";
  return isSource ? pathToFileURL(resolve(workingDirectory, path)).href : null;
}

function eventChange(
  { change_event: event }: TemplateTriagePayload,
  degraded: readonly string[],
): FoundChange {
  if (event.changed_files.length === 0) {
    throw new PermanentError(
      "expected change_event.changed_files to be the files of the change with their diffs, " +
        "or commit_sha to be a commit of git, got neither",
    );
  }
  const change = changeSetOfEvent(event);
  return { mode: "payload", change, payloadHash: hash("sha256", canonicalJson(event)), degraded };
}

/** Where the derivative's files are. */
type DerivativeLocation =
  | { readonly kind: "repository"; readonly mirror: Mirror; readonly commit: string }
  | { readonly kind: "folder"; readonly path: string };

/**
 * Find the derivative: in the folder that the relationship names, else in its repository. Of a
 * folder that is a repository the commit of HEAD counts. Throws a PermanentError where it is
 * in neither, a RetryableError where git cannot reach it.
 */
async function findDerivative(
  { target_repo: repo, relationship_config: config }: TemplateTriagePayload,
  { repositories, workingDirectory, signal }: Surroundings,
): Promise<DerivativeLocation> {
  // The folder is the derivative's, which is the source on the way back.
  const given = config.direction === "forward" ? config.path : undefined;
  const path = given === undefined ? null : resolve(workingDirectory, given);
  if (path !== null) {
    await requireFolder(path, repo);
    if (!(await isRepository(path))) return { kind: "folder", path };
  }
  const cloneUrl = path === null ? (config.target_clone_url ?? null) : pathToFileURL(path).href;
  const target = await openTarget({ repo, cloneUrl }, "derivative", { repositories, signal });
  return { kind: "repository", ...target };
}

/** Whether the relationship says where the derivative is. */
function saysWhereDerivativeIs({ relationship_config }: TemplateTriagePayload): boolean {
  const { path, direction, target_clone_url } = relationship_config;
  return (path !== undefined && direction === "forward") || target_clone_url != null;
}

/** A work tree, or a bare repository. */
async function isRepository(path: string): Promise<boolean> {
  if ((await stat(join(path, ".git")).catch(() => null)) !== null) return true;
  return (
    (await stat(join(path, "HEAD")).catch(() => null)) !== null && isFolder(join(path, "objects"))
  );
}
