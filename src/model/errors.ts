import type { Attempt } from "./task.ts";

/**
 * The caller no longer holds the task: its worker was declared dead, and another
 * attempt may be running. Expected after a stall. Drop the result, do not retry.
 */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
  readonly attempt: Attempt;

  constructor({ taskId, attempt }: Attempt) {
    super(`lease lost on task ${taskId}, attempt ${attempt}`);
    this.attempt = { taskId, attempt };
  }
}

/**
 * Something outside the program must change before it can go on: a setting, the server,
 * the schema. `hint` says what to do; `exitCode` is what a command that meets it ends with.
 */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  readonly hint: string;
  readonly exitCode: number;

  constructor(message: string, options: { hint: string; exitCode: number; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}

/** The exit codes of every command; supervisord.conf lists those that must not respawn. */
export const EXIT_CODES = {
  done: 0,
  crash: 1,
  usage: 64,
  stuckHandler: 70,
  databaseUnreachable: 75,
  config: 78,
} as const;

/** Whether an error is that of the system, the driver or the server with this code. */
export function hasCode(err: unknown, ...codes: readonly string[]): boolean {
  return err instanceof Error && "code" in err && codes.includes(String(err.code));
}
