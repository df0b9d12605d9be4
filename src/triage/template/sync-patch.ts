import { hash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TEMPLATE_LIMITS } from "../facts/limits.ts";
import type { TreeEdit } from "./decide-file.ts";
import type { JoinedStore } from "./joined-store.ts";
import type { SyncPatch } from "./sync-facts.ts";

type PatchFacts = {
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

type PatchOutcome =
  | { readonly patch: SyncPatch; readonly why: null }
  /** Nothing to change; larger than the limit; or git did not make of it what it should. */
  | { readonly patch: null; readonly why: "empty" | "too_large" | "unproven" };

/**
 * One patch of all edits, applied to the derivative's tree in a temporary index: the tree that
 * git writes then must be the expected one. Exit codes of `git apply --check` are no proof.
 */
export async function makeSyncPatch(
  store: JoinedStore,
  target: string,
  edits: readonly TreeEdit[],
  { patchBytesMax = TEMPLATE_LIMITS.patchBytesMax }: { patchBytesMax?: number } = {},
): Promise<PatchOutcome> {
  const before = await store.line(["rev-parse", "--verify", `${target}^{tree}`]);
  const expected = await expectedTree(store, before, edits);
  if (expected === before) return { patch: null, why: "empty" };
  const { bytes, isCut } = await diffOf(store, before, expected, patchBytesMax);
  if (isCut) return { patch: null, why: "too_large" };
  if (!(await patchMakesTree(store, { before, expected, bytes })))
    return { patch: null, why: "unproven" };
  return {
    patch: { content: bytes.toString("utf8"), bytes: bytes.length, sha256: hash("sha256", bytes) },
    why: null,
  };
}

async function expectedTree(
  store: JoinedStore,
  before: string,
  edits: readonly TreeEdit[],
): Promise<string> {
  const environment = await freshIndex(store, "expected.index", before);
  const gone = edits.filter(({ id }) => id === null);
  const written = edits.filter(({ id }) => id !== null);
  const input = [...gone, ...written]
    .map(({ path, mode, id }) => `${id === null ? "0" : mode} ${id ?? NO_ID}\t${path}\0`)
    .join("");
  await store.run(["update-index", "-z", "--index-info"], { environment, input });
  return await store.line(["write-tree"], { environment });
}

const NO_ID = "0".repeat(40);

type Diff = { readonly bytes: Buffer; readonly isCut: boolean };

/** What JSON cannot hold as text, in some other encoding or with a NUL, is told as binary. */
async function diffOf(
  store: JoinedStore,
  before: string,
  after: string,
  bytesMax: number,
): Promise<Diff> {
  const diff = await runDiff(store, before, after, bytesMax);
  if (diff.isCut || isPlainText(diff.bytes)) return diff;
  const attributes = join(store.gitDir, "info", "attributes");
  await mkdir(join(store.gitDir, "info"), { recursive: true });
  await writeFile(attributes, "* -diff\n");
  try {
    return await runDiff(store, before, after, bytesMax);
  } finally {
    await rm(attributes);
  }
}

async function runDiff(store: JoinedStore, before: string, after: string, bytesMax: number) {
  const flags = ["-r", "-p", "-M", "--binary", "--full-index", "--no-color", "--no-ext-diff"];
  const { stdout, isCut } = await store.run(
    ["diff-tree", ...flags, "--no-textconv", before, after],
    { bytesMax, overflow: "cut" },
  );
  return { bytes: stdout, isCut };
}

function isPlainText(bytes: Buffer): boolean {
  return !bytes.includes(0) && Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

type Claim = { readonly before: string; readonly expected: string; readonly bytes: Buffer };

/** Whether git makes of one tree the other by these bytes. */
export async function patchMakesTree(
  store: JoinedStore,
  { before, expected, bytes }: Claim,
): Promise<boolean> {
  const environment = await freshIndex(store, "proof.index", before);
  const { exitCode } = await store.run(["apply", "--cached", "--whitespace=nowarn", "-"], {
    environment,
    input: bytes,
    exitCodes: [0, 1, 128],
  });
  return exitCode === 0 && (await store.line(["write-tree"], { environment })) === expected;
}

/** An index that holds a tree; what to pass to git so that it uses it. */
export async function freshIndex(
  store: JoinedStore,
  name: string,
  tree: string,
): Promise<{ readonly GIT_INDEX_FILE: string }> {
  const environment = { GIT_INDEX_FILE: join(store.folder, name) };
  await store.run(["read-tree", "--end-of-options", tree], { environment });
  return environment;
}
