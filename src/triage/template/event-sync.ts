import { type AnalysisProgress, sortedSet } from "../facts/analysis.ts";
import type { ChangedFile, ChangeSet } from "../facts/change-set.ts";
import { REPOSITORY_LIMITS, TEMPLATE_LIMITS } from "../facts/limits.ts";
import { displayText } from "../facts/result.ts";
import type { ChangeEvent, EventFile } from "../sources/event/change-event.ts";
import { readBlobs, type TreeEntry } from "../sources/git/read-objects.ts";
import { parseDiff } from "../sources/parse-diff.ts";
import { isSafePath } from "../sources/tree-writer.ts";
import type { TreeEdit } from "./decide-file.ts";
import { type JoinedStore, treeListing } from "./joined-store.ts";
import { type MapPath, mapPathOf, type TemplateConfig } from "./payload.ts";
import { type Assessed, assessAll, explainAll } from "./read-files.ts";
import type { Disposition, SyncFacts } from "./sync-facts.ts";
import { freshIndex, patchOf } from "./sync-patch.ts";

/** A change that is known by the diffs of an event alone, and the derivative if it is known. */
type EventSync = {
  readonly event: Pick<ChangeEvent, "changed_files">;
  readonly change: ChangeSet;
  readonly derivative: { readonly store: JoinedStore; readonly tree: string } | null;
  readonly config: TemplateConfig;
  readonly signal: AbortSignal;
};

/**
 * What can be said from diffs: a file whose diff can be taken back from the derivative has it,
 * one to which it applies can take it, also in part. Of the rest nobody knows.
 */
export async function eventSync(
  sync: EventSync,
  onProgress: (at: AnalysisProgress) => void,
): Promise<SyncFacts> {
  const { change, derivative, config, signal } = sync;
  onProgress({ percent: 30, step: "applying the diffs" });
  const about = { config, texts: { message: change.message, commits: [] } };
  const assessed = await assessAll(change.files, about, signal);
  const explained = await explainAll(change.files, signal);
  const tried = await tryAll(sync, assessed.files);
  const files = tried.map(({ file, assessment: { concern, intent, skipped }, path, found }) => ({
    path,
    templatePath: file.path,
    disposition: skipped ?? found.disposition,
    concern: concern.name,
    shared: concern.shared,
    intent,
    changes: explained.changes.get(file) ?? [],
    hunks: [],
    rejects: found.rejects,
    isPartial: found.disposition === "conflicts" && found.edits.length > 0,
    since: null,
  }));
  const patch =
    derivative === null
      ? { patch: null, degraded: [], capsHit: [] }
      : await patchOf(
          derivative.store,
          derivative.tree,
          tried.map(({ found }) => found),
        );
  return {
    files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    patch: patch.patch,
    mergeBase: null,
    behind: 0,
    ported: [],
    ownChanges: null,
    isPayloadOnly: true,
    truncated: change.truncated,
    degraded: sortedSet([
      ...patch.degraded,
      ...assessed.degraded,
      ...explained.degraded,
      ...(derivative === null ? ["the derivative could not be read"] : []),
    ]),
    capsHit: sortedSet([
      ...change.capsHit,
      ...patch.capsHit,
      ...(change.files.length > TEMPLATE_LIMITS.mergesMax ? ["merges"] : []),
    ]),
  };
}

type Found = {
  readonly disposition: Disposition;
  readonly edits: readonly TreeEdit[];
  readonly rejects: string | null;
};
type Tried = Assessed["files"][number] & { readonly path: string; readonly found: Found };

async function tryAll(
  { event, derivative, config }: EventSync,
  files: Assessed["files"],
): Promise<Tried[]> {
  const diffs = new Map(event.changed_files.map((file) => [file.path, file]));
  const target = derivative === null ? null : await targetOf(derivative);
  const tried: Tried[] = [];
  for (const [index, { file, assessment }] of files.entries()) {
    const diff = diffs.get(file.path) ?? diffs.get(file.oldPath ?? "");
    const path = mapPathOf(config)(file.path);
    const isWanted = assessment.skipped === null && index < TEMPLATE_LIMITS.mergesMax;
    const found =
      target === null || !isWanted ? UNKNOWN : await attempt(target, { file, diff, path, config });
    tried.push({ file, assessment, path, found });
  }
  return tried;
}

function without(disposition: Disposition): Found {
  return { disposition, edits: [], rejects: null };
}

const UNKNOWN = without("unknown");

type Target = {
  readonly store: JoinedStore;
  readonly tree: string;
  readonly entries: ReadonlyMap<string, TreeEntry>;
};

async function targetOf({ store, tree }: NonNullable<EventSync["derivative"]>): Promise<Target> {
  return { store, tree, entries: await treeListing(store, tree) };
}

type Attempt = {
  readonly file: ChangedFile;
  readonly diff: EventFile | undefined;
  readonly path: string;
  readonly config: TemplateConfig;
};

async function attempt(target: Target, { file, diff, path, config }: Attempt): Promise<Found> {
  const entry = target.entries.get(path);
  if (entry === undefined && file.changeType === "deleted") return without("already_present");
  if (entry === undefined && file.changeType === "modified") return without("missing");
  if (file.isBinary) return without("binary");
  const patch = diff === undefined ? null : eventPatch(diff, mapPathOf(config));
  if (patch === null) {
    const isThere = entry !== undefined && (await hasChangedLines(target.store, entry, file));
    return isThere ? without("already_present") : UNKNOWN;
  }
  const whole = `${patch.head}\n${patch.hunks.join("")}`;
  const fits = await isApplicable(target, whole, []);
  if (await isApplicable(target, whole, ["--reverse"])) {
    // Lines that come twice: git looks for them anywhere, and may have found others.
    return fits ? UNKNOWN : without("already_present");
  }
  if (!fits) return await attemptHunks(target, patch);
  return { ...without("merges_cleanly"), edits: await editsBy(target, [whole]) };
}

/** The hunks one by one: those that fit go into the patch, the others are told. */
async function attemptHunks(target: Target, { head, hunks }: EventPatch): Promise<Found> {
  const fitting: string[] = [];
  const rejects: string[] = [];
  for (const hunk of hunks) {
    const one = `${head}\n${hunk}`;
    const fits = await isApplicable(target, one, []);
    const isThere = await isApplicable(target, one, ["--reverse"]);
    if (fits && !isThere) fitting.push(one);
    else if (fits || !isThere) rejects.push(hunk);
  }
  const edits = fitting.length === 0 ? [] : await editsBy(target, fitting).catch(() => []);
  const open = edits.length === 0 ? hunks : rejects;
  return { disposition: "conflicts", edits, rejects: displayText(open.join(""), REJECTS_MAX) };
}

/** Characters of what does not fit of one file. */
const REJECTS_MAX = 5_000;

/** Without `--3way`, whose exit code says nothing, git refuses what does not fit. */
async function isApplicable({ store, tree }: Target, patch: string, flags: readonly string[]) {
  const environment = await freshIndex(store, "event.index", tree);
  const { exitCode } = await store.run(
    ["apply", "--cached", "--check", "--whitespace=nowarn", ...flags, "-"],
    { environment, input: patch, exitCodes: [0, 1, 128] },
  );
  return exitCode === 0;
}

/** What patches make of the derivative, one after the other, by the paths that differ then. */
async function editsBy({ store, tree }: Target, patches: readonly string[]): Promise<TreeEdit[]> {
  const environment = await freshIndex(store, "event.index", tree);
  for (const input of patches) {
    await store.run(["apply", "--cached", "--whitespace=nowarn", "-"], { environment, input });
  }
  const after = await store.line(["write-tree"], { environment });
  const flags = ["-r", "-z", "--raw", "--no-abbrev", "--no-renames"];
  const { stdout } = await store.run(["diff-tree", ...flags, tree, after]);
  const fields = stdout.toString("utf8").split("\0").slice(0, -1);
  return fields.flatMap((field, at) => {
    const [, old, mode = "", id = ""] =
      /^:(\d+) (\d+) [0-9a-f]+ ([0-9a-f]+) [A-Z]$/.exec(field) ?? [];
    const path = fields[at + 1];
    if (old === undefined || path === undefined || at % 2 !== 0) return [];
    return [/^0+$/.test(mode) ? { path, mode: old, id: null } : { path, mode, id }];
  });
}

/** A producer cuts diffs at this length, in characters, and does not say so. */
const CUT_AT = 5_000;

type EventPatch = { readonly head: string; readonly hunks: readonly string[] };

/**
 * The diff of an event's file as a patch that git can apply to the derivative; null where it
 * has no hunks with headers, is cut off, or tells of no plain file.
 */
function eventPatch({ path, diff, old_path }: EventFile, mapPath: MapPath): EventPatch | null {
  const parsed = parseDiff(diff);
  const at = diff.search(/^@@ -/m);
  const isWhole = at !== -1 && !parsed.isIncomplete && diff.length < CUT_AT;
  const newPath = mapPath(parsed.newPath ?? path);
  const oldPath = mapPath(parsed.oldPath ?? old_path ?? path);
  if (!isWhole || parsed.isBinary || ![newPath, oldPath].every(isPlain)) return null;
  const isAdded = parsed.changeType === "added" || /^@@ -0,0 /m.test(diff.slice(at));
  const isDeleted = parsed.changeType === "deleted" || /^@@ -\S+ \+0,0 @@/m.test(diff.slice(at));
  const body = diff.slice(at);
  const head = [
    `diff --git a/${oldPath} b/${newPath}`,
    ...(isAdded ? ["new file mode 100644"] : []),
    ...(isDeleted ? ["deleted file mode 100644"] : []),
    ...(oldPath === newPath ? [] : [`rename from ${oldPath}`, `rename to ${newPath}`]),
    `--- ${isAdded ? "/dev/null" : `a/${oldPath}`}`,
    `+++ ${isDeleted ? "/dev/null" : `b/${newPath}`}`,
  ].join("\n");
  return { head, hunks: (body.endsWith("\n") ? body : `${body}\n`).split(/^(?=@@ -)/m) };
}

/** One that needs no quotes in a patch. */
function isPlain(path: string): boolean {
  return isSafePath(path) && /^[\x21\x23-\x7e][\x20\x21\x23-\x7e]*$/.test(path);
}

/**
 * Whether a file has all lines that a change added, and none that it removed: a diff without
 * headers shows no more.
 */
async function hasChangedLines(
  { gitDir, signal }: JoinedStore,
  entry: TreeEntry,
  { added, removed }: ChangedFile,
): Promise<boolean> {
  const [came, gone] = [tellingLines(added), tellingLines(removed)];
  if (came.length === 0 || entry.size > REPOSITORY_LIMITS.fileBytesMax) return false;
  for await (const batch of readBlobs(gitDir, [entry], { signal })) {
    const text = batch.get(entry.id)?.toString("utf8") ?? "";
    const lines = new Set(text.split("\n").map((line) => line.trim()));
    return (
      came.every((line) => lines.has(line)) &&
      gone.every((line) => came.includes(line) || !lines.has(line))
    );
  }
  return false;
}

/** Lines that say something, whatever their indentation. */
function tellingLines(lines: ChangedFile["added"]): string[] {
  return lines.map(({ text }) => text.trim()).filter((text) => text !== "");
}
