import type { Readable } from "node:stream";
import { PermanentError, RetryableError } from "../../../index.ts";
import { REPOSITORY_LIMITS } from "../../facts/limits.ts";
import { gitSettings } from "../../settings.ts";
import { type GitEnding, gitEnvironment, HARDENING, startGit } from "./git-process.ts";

export type GitOptions = {
  /** Ends the command; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  /** Written to its stdin. @default nothing */
  readonly input?: string | Uint8Array;
  /** Variables beside those of git-process.ts, such as GIT_INDEX_FILE. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Protocols that it may speak. @default none */
  readonly protocols?: readonly string[];
  /** Settings that are passed by the environment, such as a header with a token. */
  readonly config?: ReadonlyMap<string, string>;
  /** Exit codes that are an answer. @default [0] */
  readonly exitCodes?: readonly number[];
  /** Milliseconds; three quarters may be processor time. @default REPOSITORY_LIMITS.commandMs */
  readonly limitMs?: number;
  /** Bytes of one file that it may write. @default none */
  readonly fileBytesMax?: number;
  /** Bytes of its stdout. @default REPOSITORY_LIMITS.listBytesMax */
  readonly bytesMax?: number;
  /** What becomes of more: an error, or the output up to there. @default "fail" */
  readonly overflow?: "fail" | "cut";
  /**
   * Takes the output as it comes, in place of the answer, which has none then. False: that is
   * enough, and git is ended as by a cut.
   */
  readonly take?: (chunk: Buffer) => boolean;
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

  constructor(command: string, { exitCode, signal }: GitEnding, stderr: string) {
    const said = stderr.trim().split("\n").slice(-3).join("; ");
    const how = signal === null ? String(exitCode) : `signal ${signal}`;
    super(`git ${command} ended with ${how}: ${said || "it said nothing"}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** What was asked of git is more than it may take: the same again has the same end. */
export class GitLimitError extends PermanentError {}

const STDERR_BYTES_MAX = 16_384;

/**
 * Run git on a bare repository: no shell sees its arguments, no hooks, no settings but ours.
 * Its time, processor time, memory and output have limits, and so has all that it starts; it
 * ends with this process. Names that come from outside go behind `--end-of-options` or `--`.
 *
 * Rejects with the signal's reason, a RetryableError after the time limit, a GitLimitError at
 * any other limit, a GitError for an exit code that is no answer.
 */
export async function git(
  gitDir: string,
  args: readonly [string, ...string[]],
  options: GitOptions,
): Promise<GitOutput> {
  const { signal, exitCodes = [0], limitMs = REPOSITORY_LIMITS.commandMs } = options;
  signal.throwIfAborted();
  const limits = {
    memoryMib: gitSettings().memoryMib,
    cpuSeconds: Math.ceil((limitMs * 0.75) / 1000),
    fileBytesMax: options.fileBytesMax ?? null,
  };
  const { protocols = [], config = new Map<string, string>(), input, environment } = options;
  const child = startGit([...HARDENING, `--git-dir=${gitDir}`, ...args], {
    environment: { ...gitEnvironment(protocols, config), ...environment },
    input,
    limits,
  });
  const timeout = AbortSignal.timeout(limitMs);
  const stop = AbortSignal.any([signal, timeout]);
  stop.addEventListener("abort", child.end, { once: true });
  try {
    const { bytesMax = REPOSITORY_LIMITS.listBytesMax, overflow = "fail", take } = options;
    const [ending, out, err] = await Promise.all([
      child.ended,
      collect(child.stdout, { bytesMax, take, onCut: child.end }),
      collect(child.stderr, { bytesMax: STDERR_BYTES_MAX, take: undefined, onCut: () => {} }),
    ]);
    signal.throwIfAborted();
    if (timeout.aborted) throw new RetryableError(`git ${args[0]} took longer than ${limitMs} ms`);
    if (out.isCut && overflow === "fail") {
      throw new GitLimitError(`git ${args[0]} printed more than ${bytesMax} bytes`);
    }
    const { exitCode } = ending;
    if (!out.isCut && (exitCode === null || !exitCodes.includes(exitCode))) {
      const said = maskConfig(err.bytes.toString("utf8"), config);
      throw limitErrorFrom(args[0], ending, said, limits) ?? new GitError(args[0], ending, said);
    }
    return { stdout: out.bytes, exitCode: exitCode ?? exitCodes[0] ?? 0, isCut: out.isCut };
  } finally {
    stop.removeEventListener("abort", child.end);
  }
}

/** What the other side complains of is its own trouble. */
const OF_REMOTE = /^(?:remote:|fatal: remote error).*$/gm;
/** What git, its libraries and the loader say of memory that is not to be had. */
const OUT_OF_MEMORY = [
  /\bout of memory\b/i,
  /attempting to (?:allocate|mmap) \d/i,
  /mmap failed: cannot allocate/i,
  /cannot be mapped: cannot allocate/i,
  /failed to map segment/i,
];

/** Signals of a limit, and of a crash; the numbers are those of Linux and macOS. */
const SIGNALS = { abort: 6, segmentation: 11, cpu: 24 } as const;

/** Null where git failed for another reason. A process below it counts as git itself. */
function limitErrorFrom(
  command: string,
  { signal }: GitEnding,
  stderr: string,
  { memoryMib, cpuSeconds, fileBytesMax }: Limits,
): GitLimitError | null {
  const said = stderr.replaceAll(OF_REMOTE, "");
  const of = signal ?? Number(/died of signal (\d+)/.exec(said)?.[1] ?? 0);
  if (OUT_OF_MEMORY.some((sign) => sign.test(said))) {
    return new GitLimitError(
      `git ${command} needed more than ${memoryMib} MiB of memory; ` +
        "hint: MAX_GIT_MEMORY_MIB is the limit",
    );
  }
  if (/\bFile too large\b/.test(said)) {
    return new GitLimitError(
      `git ${command} wrote more than ${fileBytesMax} bytes; hint: MAX_REPO_BYTES is the limit`,
    );
  }
  switch (of) {
    case SIGNALS.cpu:
      return new GitLimitError(`git ${command} needed more than ${cpuSeconds} s of processor time`);
    case SIGNALS.abort:
    case SIGNALS.segmentation:
      return new GitLimitError(
        `git ${command} crashed (signal ${of}), as it does where objects are nested too deep ` +
          `for its stack, or need more than ${memoryMib} MiB of memory (MAX_GIT_MEMORY_MIB)`,
      );
    default:
      return null;
  }
}
type Limits = Parameters<typeof startGit>[1]["limits"];

type Collected = { readonly bytes: Buffer; readonly isCut: boolean };
type Collect = {
  readonly bytesMax: number;
  readonly take: GitOptions["take"];
  readonly onCut: () => void;
};

async function collect(from: Readable, { bytesMax, take, onCut }: Collect): Promise<Collected> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isCut = false;
  from.on("data", (chunk: Buffer) => {
    if (isCut) return;
    const some = size + chunk.length > bytesMax ? chunk.subarray(0, bytesMax - size) : chunk;
    size += some.length;
    if (take === undefined) chunks.push(some);
    const isEnough = take !== undefined && !take(some);
    isCut = isEnough || some.length < chunk.length;
    if (isCut) onCut();
  });
  await new Promise<void>((resolve) => {
    from.once("close", resolve);
  });
  return { bytes: Buffer.concat(chunks), isCut };
}

/**
 * What git said, without the credentials of its settings: a host may repeat in its message
 * what it was sent, and the message becomes the error of a task.
 */
function maskConfig(text: string, config: ReadonlyMap<string, string>): string {
  const secrets = [...config].flatMap(([key, value]) =>
    key.endsWith(".extraHeader") ? credentialsIn(value) : [],
  );
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, "****"), text);
}

/** As they are sent, decoded, and the token alone. */
function credentialsIn(header: string): string[] {
  const sent = header.split(" ").at(-1) ?? "";
  const decoded = Buffer.from(sent, "base64").toString("utf8");
  return [sent, decoded, decoded.slice(decoded.indexOf(":") + 1)].filter((one) => one !== "");
}
