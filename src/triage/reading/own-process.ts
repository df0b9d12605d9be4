import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { environmentOf, threadEnvironment } from "../../index.ts";
import { LIMITS } from "../facts/limits.ts";

/** A process that reads what strangers wrote, and answers by messages. */
export type OwnProcess = {
  /** Emits "message"; and "close" when it has ended and nothing more of it comes. */
  readonly child: ChildProcess;
  /** Resolves, once it has ended, to what it ended of; call it after "close". */
  readonly whyEnded: () => Ending;
  /** End it at once, whatever it does; resolves when it has. */
  readonly end: () => Promise<void>;
};

/** Why a process ended before it had answered. */
export type Ending =
  /** The engine gave up: its heap was full, or one value would have been too large for any. */
  | "memory"
  /** The native stack was full. */
  | "stack"
  /** The system's doing or ours, with what the process said last. */
  | { readonly error: Error };

/**
 * Becomes `node`, under the same pid, once it has begun what ends it with this process: a reader
 * of a pipe (3) that this process holds open, and into which it writes a line when the other has
 * ended by itself. No core is dumped; the stack has room for ANALYSIS_STACK on top of
 * what the system takes, where its limit may be raised. The channel (4) is node's alone.
 */
const END_WITH_PARENT = `ulimit -c 0
ulimit -S -s 8192 2>/dev/null
( read -r _ <&3 || kill -KILL "$$" ) >/dev/null 2>&1 4>&- &
exec "$@" 3<&-`;

/**
 * Start a file in a process of its own with a request, which answer-parent.ts hands to it. A
 * thread would not do: one that runs out of memory ends its process, and with it all tasks of the
 * worker, where what it asks for last is more than the 16 MiB that Node lets it go over the
 * limit (`Worker::NearHeapLimit` in Node's src/node_worker.cc); and what ends in the engine or in
 * the native stack always does. It costs some 30 ms more than a thread to start.
 */
export function startProcess(file: URL, request: object, heapMib: number): OwnProcess {
  const program = [process.execPath, `--max-old-space-size=${heapMib}`];
  const child = spawn(
    "/bin/sh",
    [
      "-c",
      END_WITH_PARENT,
      "sh",
      ...program,
      `--stack-size=${LIMITS.stackKib}`,
      fileURLToPath(file),
    ],
    {
      cwd: tmpdir(),
      env: environment(),
      // A signal from a terminal is for the worker, which ends this when it is time.
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    },
  );
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-LIMITS.textMax);
  });
  let failure: Error | null = null;
  child.on("error", (error) => {
    failure = error;
  });
  const watch = child.stdio[3];
  watch?.on("error", () => {});
  child.once("exit", () => {
    if (watch !== null && watch !== undefined && "end" in watch) watch.end("\n");
  });
  const closed = once(child, "close").catch(() => {});
  // Where it ends before it has read that, "close" tells.
  child.send(request, () => {});
  return {
    child,
    whyEnded: () => (failure === null ? endingOf(child, said) : { error: failure }),
    end: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** No token, password or option of the worker's: what reads strangers' text needs none. */
function environment(): Record<string, string | undefined> {
  const { NODE_COMPILE_CACHE } = threadEnvironment();
  const own = environmentOf(["PATH", "HOME", "TMPDIR"]);
  return NODE_COMPILE_CACHE === undefined ? own : { ...own, NODE_COMPILE_CACHE };
}

/** V8 aborts where its heap is full, and traps where a value is too large for any heap. */
const OF_ENGINE: readonly (NodeJS.Signals | null)[] = ["SIGABRT", "SIGTRAP", "SIGILL"];

function endingOf({ signalCode, exitCode }: ChildProcess, said: string): Ending {
  if (OF_ENGINE.includes(signalCode)) return "memory";
  if (signalCode === "SIGSEGV" || signalCode === "SIGBUS") return "stack";
  const how = signalCode ?? `code ${exitCode}`;
  const last = said.trim();
  return {
    error: new Error(
      `a process that reads ended with ${how}, without an answer${last === "" ? "" : `: ${last}`}`,
    ),
  };
}
