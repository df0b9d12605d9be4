import type { RepositoryConfig } from "../../../index.ts";
import type { ChangedFile, ChangeSet, ChangeType } from "../../facts/change-set.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import { makeScratchFolder } from "../scratch-folder.ts";
import {
  type DiffOptions,
  type LineDiffs,
  lineDiffs,
  pathOf,
  type RawChange,
  type RawSide,
  rawDiff,
} from "./diff.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import { blobSizes, isBinary, readBlobs } from "./read-objects.ts";

type ChangeRange = {
  /** Full ids, as resolveCommit and firstParentOf give them. */
  readonly base: string;
  readonly head: string;
};

type ChangeSetOptions = {
  readonly signal: AbortSignal;
  /** @default REPOSITORY_LIMITS */
  readonly limits?: RepositoryLimits;
};

/**
 * What changed between two commits: contents and lines of regular files. Links and
 * submodules are told without content. Where contents or lines are too many, those of the
 * smallest files are kept: they are the most, and the same every time.
 */
export async function changeSetOfRange(
  mirror: Mirror,
  { base, head }: ChangeRange,
  config: RepositoryConfig,
  { signal, limits = REPOSITORY_LIMITS }: ChangeSetOptions,
): Promise<ChangeSet> {
  const options = { signal, limits };
  const { changes, capsHit } = await rawDiff(mirror, base, head, options);
  const { chosen, sizes, capsHit: contentCaps } = await chooseContents(mirror, changes, options);
  const contents = await readContents(mirror, chosen, { sizes, signal });
  const texts = chosen.filter((change) => !sidesOf(change).some(({ id }) => contents.isBinary(id)));

  await using scratch = await makeScratchFolder(config.cacheFolder);
  const pairs = texts.map(({ before, after }) => ({
    before: regular(before)?.id ?? null,
    after: regular(after)?.id ?? null,
  }));
  const lines = await lineDiffs(mirror.gitDir, pairs, { ...options, scratchFolder: scratch.path });
  const places = new Map(texts.map((change, index) => [change, index]));
  const { message, capsHit: messageCaps } = await messageOf(mirror, head, options);
  const files = changes.map((change) => fileOf(change, { contents, lines, places }));
  return {
    mode: "git",
    baseSha: base,
    headSha: head,
    message,
    files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    truncated: false,
    capsHit: [
      ...new Set([
        ...capsHit,
        ...contentCaps,
        ...messageCaps,
        ...(lines.isCut ? ["diff_bytes"] : []),
      ]),
    ].toSorted(),
  };
}

type Chosen = {
  readonly chosen: readonly RawChange[];
  readonly sizes: ReadonlyMap<string, number>;
  readonly capsHit: readonly string[];
};

/** The changes whose contents are read, the smallest first. */
async function chooseContents(
  { gitDir }: Mirror,
  changes: readonly RawChange[],
  { signal, limits }: DiffOptions,
): Promise<Chosen> {
  const ids = [...new Set(changes.flatMap(sidesOf).map(({ id }) => id))];
  const sizes = await blobSizes(gitDir, ids, { signal });
  const capsHit: string[] = [];
  const candidates = changes.flatMap((change) => {
    const found = sidesOf(change).map(({ id }) => sizes.get(id));
    if (found.length === 0 || found.includes(undefined)) return [];
    const bytes = found.map((size) => size ?? 0);
    if (bytes.some((size) => size > limits.fileBytesMax)) {
      capsHit.push("file_bytes");
      return [];
    }
    return [{ change, bytes: bytes.reduce((sum, size) => sum + size, 0) }];
  });
  candidates.sort(
    (left, right) =>
      left.bytes - right.bytes || (pathOf(left.change) < pathOf(right.change) ? -1 : 1),
  );
  let total = 0;
  const chosen = candidates.filter(({ bytes }) => (total += bytes) <= limits.contentBytesMax);
  if (chosen.length < candidates.length) capsHit.push("content_bytes");
  return { chosen: chosen.map(({ change }) => change), sizes, capsHit };
}

type Contents = {
  readonly textOf: (id: string) => string | null;
  readonly isBinary: (id: string) => boolean;
};

async function readContents(
  { gitDir }: Mirror,
  chosen: readonly RawChange[],
  { sizes, signal }: { sizes: ReadonlyMap<string, number>; signal: AbortSignal },
): Promise<Contents> {
  const ids = [...new Set(chosen.flatMap(sidesOf).map(({ id }) => id))];
  const texts = new Map<string, string>();
  const binary = new Set<string>();
  const blobs = ids.map((id) => ({ id, size: sizes.get(id) ?? 0 }));
  for await (const batch of readBlobs(gitDir, blobs, { signal })) {
    for (const [id, content] of batch) {
      if (isBinary(content)) binary.add(id);
      else texts.set(id, content.toString("utf8"));
    }
  }
  return { textOf: (id) => texts.get(id) ?? null, isBinary: (id) => binary.has(id) };
}

type Known = {
  readonly contents: Contents;
  readonly lines: LineDiffs;
  readonly places: ReadonlyMap<RawChange, number>;
};

function fileOf(change: RawChange, { contents, lines, places }: Known): ChangedFile {
  const { before, after } = change;
  const textOf = (side: RawSide | null): string | null =>
    places.has(change) && regular(side) !== null ? contents.textOf(side?.id ?? "") : null;
  const diff = lines.diffs.get(places.get(change) ?? -1);
  const changeType = changeTypeOf(change);
  return {
    path: pathOf(change),
    oldPath: changeType === "renamed" ? (before?.path ?? null) : null,
    changeType,
    before: textOf(before),
    after: textOf(after),
    added: diff?.added ?? [],
    removed: diff?.removed ?? [],
    isBinary: sidesOf(change).some(({ id }) => contents.isBinary(id)),
  };
}

function changeTypeOf({ before, after }: RawChange): ChangeType {
  if (before === null) return "added";
  if (after === null) return "deleted";
  return before.path === after.path ? "modified" : "renamed";
}

/** The sides that are regular files: a link's content is a path, a submodule has none. */
function sidesOf({ before, after }: RawChange): RawSide[] {
  return [regular(before), regular(after)].filter((side) => side !== null);
}

function regular(side: RawSide | null): RawSide | null {
  return side?.mode.startsWith("100") === true ? side : null;
}

/** None of a commit that is too large: git reads, decodes and formats all of it to tell a word. */
async function messageOf(
  { gitDir }: Mirror,
  commit: string,
  { signal, limits }: DiffOptions,
): Promise<{ message: string; capsHit: string[] }> {
  const asked = await git(gitDir, ["cat-file", "-s", commit], { signal });
  if (Number(asked.stdout.toString("latin1")) > limits.commitBytesMax) {
    return { message: "", capsHit: ["commit_bytes"] };
  }
  const { stdout } = await git(
    gitDir,
    // Not show: it compares the commit with its parent, also where it prints nothing of that.
    ["log", "--max-count=1", "--no-show-signature", "--format=%B", "--end-of-options", commit],
    { signal, overflow: "cut", bytesMax: limits.messageCharactersMax * 4 },
  );
  const message = stdout.toString("utf8").trim().slice(0, limits.messageCharactersMax);
  return { message, capsHit: [] };
}
