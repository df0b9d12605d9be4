import { PermanentError, RetryableError } from "../../outcome.ts";
import { LIMITS } from "../limits.ts";

/**
 * That the diffs of an event stand for the repository that gave `err`, in words that are the
 * same in each run: the log has the times and numbers. Throws the error again where it is no
 * answer about a repository, or where the event has no diffs: files without any say too little,
 * and nothing known is not nothing changed.
 */
export function standIn(err: unknown, files: readonly { readonly diff: string }[]): string {
  const isAnswer = err instanceof PermanentError || err instanceof RetryableError;
  if (!isAnswer || !files.some(({ diff }) => diff !== "")) throw err;
  const why =
    err instanceof RetryableError
      ? "it cannot be read now"
      : (err.message.split(": ")[0] ?? "").slice(0, LIMITS.textMax);
  return `the diffs of the event stand for the repository: ${why}`;
}
