import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { gitSettings } from "../../settings.ts";

/** What git and each process that it starts may take. */
type GitProcessLimits = {
  /** MiB of address space of each process. */
  readonly memoryMib: number;
  /** Seconds of processor time of each process. */
  readonly cpuSeconds: number;
  /** Bytes of one file that it writes; null: no limit. */
  readonly fileBytesMax: number | null;
};

/** A git that runs, with all that it starts, in a process group of its own. */
type GitProcess = {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when git and its output have ended. Rejects where it could not be started. */
  readonly ended: Promise<GitEnding>;
  /** End the whole group: by SIGTERM, at which git removes its own locks, then by SIGKILL. */
  readonly end: () => void;
};

/** One of the two is null. */
export type GitEnding = { readonly exitCode: number | null; readonly signal: number | null };

/** Milliseconds from SIGTERM to SIGKILL. */
const GRACE_MS = 2_000;

/**
 * Runs git under limits, and ends its group when this process does, however it does: a pipe
 * that this process holds open (3) is read until its end. A write beyond the limit of a file
 * is an error that git tells, and no signal. $1 to $3 are the limits in KiB,
 * seconds and blocks of 512 bytes, 0 for none; the rest are git's arguments, which are never
 * part of the script. A limit that the system does not know, such as that of memory on macOS,
 * or that is lower already, is left as it is. A shell says by 128 + N that git died of signal N.
 */
const SUPERVISE = `trap : TERM
exec 4<&0
(
  ulimit -c 0
  [ "$1" = 0 ] || ulimit -v "$1"
  [ "$2" = 0 ] || { ulimit -S -t "$2" && ulimit -H -t "$(($2 + 5))"; }
  [ "$3" = 0 ] || ulimit -f "$3"
  trap '' XFSZ
  exec 2>&5
  shift 3
  exec git "$@" <&4 3<&- 4<&- 5>&-
) 5>&2 2>/dev/null &
git=$!
exec </dev/null >/dev/null 2>&1 4<&-
(
  trap '' TERM
  read -r _ <&3
  kill -TERM 0
  sleep 1
  kill -KILL 0
) &
watch=$!
exec 3<&-
while :; do
  wait "$git"
  code=$?
  kill -0 "$git" || break
done
kill -KILL "$watch"
exit "$code"`;

/** Start it: no shell sees its arguments, and it inherits nothing but this environment. */
export function startGit(
  args: readonly string[],
  { environment, input, limits }: GitStart,
): GitProcess {
  const { memoryMib, cpuSeconds, fileBytesMax } = limits;
  const blocks = fileBytesMax === null ? 0 : Math.ceil(fileBytesMax / 512);
  const told = [memoryMib * 1024, cpuSeconds, blocks].map(String);
  const child = spawn("/bin/sh", ["-c", SUPERVISE, "git", ...told, ...args], {
    // Not where the worker was started: a repository there has settings of its own.
    cwd: tmpdir(),
    env: environment,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  // A command that ends early does not read its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.stdio[3]?.on("error", () => {});
  // What outlives git, such as a connection that ssh shares, would hold its output open.
  child.once("exit", () => kill(child, "SIGKILL"));
  const { promise: ended, resolve, reject } = Promise.withResolvers<GitEnding>();
  child.once("error", reject);
  child.once("close", (code) => resolve(endingOf(code)));
  return { stdout: child.stdout, stderr: child.stderr, ended, end: () => endGroup(child) };
}

type GitStart = {
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string | Uint8Array | undefined;
  readonly limits: GitProcessLimits;
};

/** Of git itself no exit code is larger than 129. Null: the shell was killed, and git with it. */
function endingOf(code: number | null): GitEnding {
  if (code === null) return { exitCode: null, signal: 9 };
  const isSignal = code > 129 && code < 128 + 65;
  return isSignal ? { exitCode: null, signal: code - 128 } : { exitCode: code, signal: null };
}

function endGroup(child: ChildProcess): void {
  kill(child, "SIGTERM");
  const timer = setTimeout(() => kill(child, "SIGKILL"), GRACE_MS);
  child.once("close", () => clearTimeout(timer));
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Settings that no repository and no user can change. */
export const HARDENING: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.attributesFile=/dev/null",
  "core.fsmonitor=false",
  "protocol.ext.allow=never",
  "submodule.recurse=false",
  "credential.helper=",
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
  // Fetched packs stay packs: a mirror is few files, and its size is soon known.
  "fetch.unpackLimit=1",
  // What it keeps in memory, so that honest repositories of any size fit into the limit: a
  // window on a pack in place of all of it, one thread, and no blob as a whole that nobody reads.
  "core.packedGitWindowSize=32m",
  "core.packedGitLimit=256m",
  "core.deltaBaseCacheLimit=64m",
  "core.bigFileThreshold=16m",
  "pack.threads=1",
  "pack.windowMemory=64m",
  "pack.deltaCacheSize=64m",
  // A server that stalls is left after half a minute.
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=30",
].flatMap((setting) => ["-c", setting]);

/**
 * The environment of a git command: no questions, no settings of the machine or the user,
 * messages in English, and `config`, of which secrets may be part: arguments are public.
 * No protocol is allowed but those named, whatever a redirect or a submodule says.
 */
export function gitEnvironment(
  protocols: readonly string[],
  config: ReadonlyMap<string, string>,
): Record<string, string> {
  const { memoryMib, inherited } = gitSettings();
  const environment: Record<string, string> = {
    ...inherited,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LFS_SKIP_SMUDGE: "1",
    // Of one allocation, also where the system has no limit for all of them.
    GIT_ALLOC_LIMIT: `${memoryMib}m`,
    // Empty: none. Unset would mean those of the configuration.
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_CONFIG_COUNT: String(config.size),
  };
  // A question of ssh would wait for ever, and so would we for the errors of a git that was
  // ended while a connection that ssh shares keeps them open.
  environment["GIT_SSH_COMMAND"] ??=
    "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ControlMaster=no -o ControlPath=none";
  for (const [index, [key, value]] of [...config].entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}
