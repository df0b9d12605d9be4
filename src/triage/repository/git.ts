import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { RetryableError } from "../../outcome.ts";
import { gitEnvironment, HARDENING } from "./git-environment.ts";
import { maskConfig } from "./mask-config.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";

export type GitOptions = {
  /** Ends the command; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  /** Written to its stdin. @default nothing */
  readonly input?: string | Uint8Array;
  /** Variables beside those of git-environment.ts, such as GIT_INDEX_FILE. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Protocols that it may speak. @default none */
  readonly protocols?: readonly string[];
  /** Settings that are passed by the environment, such as a header with a token. */
  readonly config?: ReadonlyMap<string, string>;
  /** Exit codes that are an answer. @default [0] */
  readonly exitCodes?: readonly number[];
  /** Milliseconds. @default REPOSITORY_LIMITS.commandMs */
  readonly limitMs?: number;
  /** Bytes of its stdout. @default REPOSITORY_LIMITS.listBytesMax */
  readonly bytesMax?: number;
  /** What becomes of more: an error, or the output up to there. @default "fail" */
  readonly overflow?: "fail" | "cut";
};

export type GitOutput = {
  readonly stdout: Buffer;
  /** One of `exitCodes`; the first of them where the output was cut. */
  readonly exitCode: number;
  readonly isCut: boolean;
};

/** git ended with an exit code that is no answer. */
export class GitError extends Error {
  override readonly name = "GitError";
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(command: string, exitCode: number | null, stderr: string) {
    const said = stderr.trim().split("\n").slice(-3).join("; ");
    super(`git ${command} ended with ${exitCode ?? "a signal"}: ${said || "it said nothing"}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const STDERR_BYTES_MAX = 16_384;
/** Milliseconds from SIGTERM, at which git removes its own locks, to SIGKILL. */
const GRACE_MS = 2_000;

/**
 * Run git on a bare repository: no shell, no hooks, no settings but ours, bounded output.
 * Names that come from outside go behind `--end-of-options` or `--`. Rejects with the
 * signal's reason, a RetryableError after the time limit, a GitError for an exit code that
 * is no answer.
 */
export async function git(
  gitDir: string,
  args: readonly [string, ...string[]],
  options: GitOptions,
): Promise<GitOutput> {
  const { signal, exitCodes = [0], limitMs = REPOSITORY_LIMITS.commandMs } = options;
  signal.throwIfAborted();
  const child = start(gitDir, args, options);
  const timeout = AbortSignal.timeout(limitMs);
  const stop = AbortSignal.any([signal, timeout]);
  const onStop = () => endGroup(child);
  stop.addEventListener("abort", onStop, { once: true });
  try {
    const { bytesMax = REPOSITORY_LIMITS.listBytesMax, overflow = "fail" } = options;
    const [exitCode, out, err] = await Promise.all([
      exitOf(child),
      collect(child.stdout, bytesMax, () => endGroup(child)),
      collect(child.stderr, STDERR_BYTES_MAX, () => {}),
    ]);
    signal.throwIfAborted();
    if (timeout.aborted) throw new RetryableError(`git ${args[0]} took longer than ${limitMs} ms`);
    if (out.isCut && overflow === "fail") {
      throw new Error(`git ${args[0]} printed more than ${bytesMax} bytes`);
    }
    if (!out.isCut && (exitCode === null || !exitCodes.includes(exitCode))) {
      const said = maskConfig(err.bytes.toString("utf8"), options.config ?? new Map());
      throw new GitError(args[0], exitCode, said);
    }
    return { stdout: out.bytes, exitCode: exitCode ?? exitCodes[0] ?? 0, isCut: out.isCut };
  } finally {
    stop.removeEventListener("abort", onStop);
  }
}

function start(gitDir: string, args: readonly string[], options: GitOptions) {
  const { input, environment, protocols = [], config = new Map() } = options;
  const child = spawn("git", [...HARDENING, `--git-dir=${gitDir}`, ...args], {
    // Not where the worker was started: a repository there has settings of its own.
    cwd: tmpdir(),
    env: { ...gitEnvironment(protocols, config), ...environment },
    // A group of its own: what git starts ends with it.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A command that ends early does not read its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return child;
}

/** Rejects when git could not be started. */
function exitOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", resolve);
  return promise;
}

type Collected = { readonly bytes: Buffer; readonly isCut: boolean };

async function collect(from: Readable, bytesMax: number, onCut: () => void): Promise<Collected> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isCut = false;
  from.on("data", (chunk: Buffer) => {
    if (!isCut && size + chunk.length > bytesMax) {
      chunks.push(chunk.subarray(0, bytesMax - size));
      isCut = true;
      onCut();
    } else if (!isCut) {
      chunks.push(chunk);
      size += chunk.length;
    }
  });
  await new Promise<void>((resolve) => {
    from.once("close", resolve);
  });
  return { bytes: Buffer.concat(chunks), isCut };
}

function endGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  kill(pid, "SIGTERM");
  const timer = setTimeout(() => kill(pid, "SIGKILL"), GRACE_MS);
  child.once("close", () => clearTimeout(timer));
}

function kill(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // It has ended by itself.
  }
}
