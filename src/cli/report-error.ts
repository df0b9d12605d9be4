import { EXIT_CODES } from "../errors.ts";
import { indented } from "../foreign-text.ts";
import { maskSecrets } from "../mask-secrets.ts";
import { explainError } from "./explain-error.ts";
import { note } from "./print.ts";

/** Tell a person what went wrong and what to do, on stderr; returns the exit code. */
export function reportError(err: unknown): number {
  const explained = explainError(err);
  if (explained === null) {
    const stack = err instanceof Error ? (err.stack ?? err.message) : String(err);
    note(`error: ${indented(maskSecrets(stack))}`);
    note("hint: this is a bug in triaged; please report these lines");
    return EXIT_CODES.crash;
  }
  note(`error: ${indented(explained.message)}\nhint: ${indented(explained.hint)}`);
  return explained.exitCode;
}
