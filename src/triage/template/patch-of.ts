import type { TreeEdit } from "./decide.ts";
import type { JoinedStore } from "./joined-store.ts";
import { makeSyncPatch, type SyncPatch } from "./sync-patch.ts";

export type PatchFacts = {
  readonly patch: SyncPatch | null;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

/** The patch of all edits, and what is to be said where there is none. */
export async function patchOf(
  store: JoinedStore,
  tree: string,
  outcomes: readonly { readonly edits: readonly TreeEdit[] }[],
): Promise<PatchFacts> {
  const edits = outcomes.flatMap((outcome) => outcome.edits);
  if (edits.length === 0) return { patch: null, degraded: [], capsHit: [] };
  const { patch, why } = await makeSyncPatch(store, tree, edits);
  return {
    patch,
    degraded: why === "unproven" ? ["git does not make the expected tree of sync.patch"] : [],
    capsHit: why === "too_large" ? ["patch_bytes"] : [],
  };
}
