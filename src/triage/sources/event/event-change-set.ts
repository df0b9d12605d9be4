import { PermanentError, RetryableError } from "../../../index.ts";
import type { ChangedFile, ChangeSet } from "../../facts/change-set.ts";
import { isNoise } from "../../facts/file-kinds.ts";
import { LIMITS, REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import { type ParsedDiff, parseDiff } from "../parse-diff.ts";
import type { ChangeEvent, EventFile } from "./change-event.ts";

/** A producer cuts diffs at this length, in characters, and does not say so. */
const CUT_AT = 5_000;

type EventLimits = Pick<RepositoryLimits, "filesMax" | "diffBytesMax">;

/** What of an event its change set is made of. */
type EventChange = Pick<
  ChangeEvent,
  "base_sha" | "commit_sha" | "commit_message" | "changed_files"
>;

/** What changed, from the diffs of an event alone: lines, and no contents. */
export function changeSetOfEvent(
  event: EventChange,
  limits: EventLimits = REPOSITORY_LIMITS,
): ChangeSet {
  const capsHit = new Set<string>();
  const known = event.changed_files.filter(({ path }) => !isNoise(path));
  if (known.length > limits.filesMax) capsHit.add("files");
  const files: ChangedFile[] = [];
  let isTruncated = false;
  let bytesLeft = limits.diffBytesMax;
  for (const file of known.slice(0, limits.filesMax)) {
    const bytes = Buffer.byteLength(file.diff);
    const isRead = bytes <= bytesLeft;
    if (isRead) bytesLeft -= bytes;
    else capsHit.add("diff_bytes");
    const { diff, isCut } = readDiff(isRead ? file.diff : "");
    isTruncated ||= isCut;
    files.push(fileOf(file, diff));
  }
  return {
    mode: "payload",
    baseSha: event.base_sha ?? "",
    headSha: event.commit_sha,
    message: event.commit_message,
    files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    truncated: isTruncated,
    capsHit: [...capsHit].toSorted(),
  };
}

/** The last line of a diff that was cut is half a line, and says what nobody wrote. */
function readDiff(text: string): { diff: ParsedDiff; isCut: boolean } {
  const diff = parseDiff(text);
  const isCut = diff.isIncomplete || text.length >= CUT_AT;
  const isHalf = isCut && !text.endsWith("\n") && !isWhole(text, diff);
  return { diff: isHalf ? parseDiff(text.slice(0, text.lastIndexOf("\n") + 1)) : diff, isCut };
}

/** Whether a long diff is seen to be all there: its hunks have what they promise. */
function isWhole(text: string, { isIncomplete }: ParsedDiff): boolean {
  return !isIncomplete && /^@@ /m.test(text);
}

function fileOf(file: EventFile, diff: ParsedDiff): ChangedFile {
  const changeType = file.change_type ?? diff.changeType ?? "modified";
  const isRenamed = changeType === "renamed";
  const oldPath = file.old_path ?? diff.oldPath;
  return {
    // One producer gives the first path of a rename alone, which is the old one.
    path: isRenamed ? (diff.newPath ?? file.path) : file.path,
    oldPath: isRenamed ? (oldPath ?? file.path) : null,
    changeType,
    before: null,
    after: null,
    added: diff.added,
    removed: diff.removed,
    isBinary: diff.isBinary,
  };
}

/**
 * That the diffs of an event stand for the repository that gave `err`, in words that are the
 * same in each run: the log has the times and numbers. Throws the error again where it is no
 * answer about a repository, or where the event has no diffs: files without any say too little,
 * and nothing known is not nothing changed.
 */
export function diffFallbackReason(
  err: unknown,
  files: readonly { readonly diff: string }[],
): string {
  const isAnswer = err instanceof PermanentError || err instanceof RetryableError;
  if (!isAnswer || !files.some(({ diff }) => diff !== "")) throw err;
  const why =
    err instanceof RetryableError
      ? "it cannot be read now"
      : (err.message.split(": ")[0] ?? "").slice(0, LIMITS.textMax);
  return `the diffs of the event stand for the repository: ${why}`;
}
