import type { Progress } from "../analysis.ts";
import { sortedSet } from "../bounded-facts.ts";
import { configHashOf, type KeyInputs } from "../key-inputs.ts";
import type { Surroundings } from "../prepare/prepared.ts";
import { eventSync } from "./event-sync.ts";
import { type FoundChange, findChange } from "./find-change.ts";
import { type Derivative, findDerivative, saysWhere } from "./find-derivative.ts";
import { folderTree } from "./folder-tree.ts";
import { gitSync } from "./git-sync.ts";
import { type JoinedStore, joinStores } from "./joined-store.ts";
import type { TemplateTriagePayload } from "./payload.ts";
import type { SyncFacts } from "./sync-facts.ts";

/**
 * What a template triage is about, known well enough to look up its verdict. What it keeps in
 * a scratch folder goes when it is disposed of.
 */
export type PreparedTemplate = AsyncDisposable & {
  readonly mode: "git" | "payload";
  readonly keyInputs: KeyInputs;
  /** Merge and compare. Once. */
  readonly read: (onProgress: (at: Progress) => void) => Promise<SyncFacts>;
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
  const isSought = found.mode === "git" || saysWhere(payload);
  const derivative = isSought ? await findDerivative(payload, surroundings) : null;
  const store = await storeOf(found, derivative, surroundings);
  try {
    const tree = derivative === null ? null : await treeOf(store, derivative);
    return {
      mode: found.mode,
      keyInputs: keyInputsOf(payload, found, tree),
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
  derivative: Derivative | null,
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

async function treeOf(store: JoinedStore, derivative: Derivative): Promise<DerivativeTree> {
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
  onProgress: (at: Progress) => void,
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
