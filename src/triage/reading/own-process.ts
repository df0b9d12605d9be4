import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { environmentOf, threadEnvironment } from "../../index.ts";
import { LIMITS } from "../facts/limits.ts";

/** Why a process ended before it had answered. */
export type ProcessEnding =
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

/** Those that have answered and wait, by the file that they run and the heap that they have. */
const waiting = new Map<string, OwnProcess[]>();

/**
 * Have a file answer a request in a process of its own; there, answer-parent.ts hands it over. A
 * thread would not do: one that runs out of memory ends its process, and with it all tasks of
 * the worker, where what it asks for last is more than the 16 MiB that Node lets it go over the
 * limit (`Worker::NearHeapLimit` in Node's src/node_worker.cc); and what ends in the engine or in
 * the native stack always does.
 *
 * A process does one thing at a time, and waits for the next one for LIMITS.processIdleMs: its
 * code is loaded and compiled then. A small analysis takes 0.9 s of processor time in a process
 * that has done one before, and 2.4 s in a new one, its start included (medians of three).
 */
export function askProcess(file: URL, request: object, heapMib: number): OwnProcess {
  const key = `${file.href} ${heapMib}`;
  const others = waiting.get(key) ?? [];
  waiting.set(key, others);
  const own = others.pop() ?? new OwnProcess(file, heapMib, others);
  own.ask(request);
  return own;
}

/** A process that reads what strangers wrote, and answers by messages. */
export class OwnProcess {
  /** Emits "message"; and "close" when it has ended and nothing more of it comes. */
  readonly child: ChildProcess;
  readonly #waiting: OwnProcess[];
  readonly #closed: Promise<unknown>;
  #asked = 0;
  #said = "";
  #failure: Error | null = null;
  #idle: NodeJS.Timeout | undefined;

  constructor(file: URL, heapMib: number, others: OwnProcess[]) {
    const limits = [
      `--max-old-space-size=${heapMib}`,
      `--max-semi-space-size=${LIMITS.semiSpaceMib}`,
      `--stack-size=${LIMITS.stackKib}`,
    ];
    const program = [process.execPath, "--expose-gc", ...limits, fileURLToPath(file)];
    this.#waiting = others;
    this.child = spawn("/bin/sh", ["-c", END_WITH_PARENT, "sh", ...program], {
      cwd: tmpdir(),
      env: environment(),
      // A signal from a terminal is for the worker, which ends this when it is time.
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-LIMITS.textMax);
    });
    this.child.on("error", (error) => {
      this.#failure = error;
    });
    this.child.stdio[3]?.on("error", () => {});
    this.child.once("exit", () => {
      const [, , , pipe] = this.child.stdio;
      if (pipe instanceof Socket) pipe.end("\n");
    });
    this.#closed = once(this.child, "close").catch(() => {});
    this.child.once("close", () => this.#leave());
  }

  ask(request: object): void {
    this.#leave();
    this.#hold(true);
    this.#asked += 1;
    // Where it ends before it has read that, "close" tells.
    this.child.send(request, () => {});
  }

  /** It has answered: the next one who asks for the same is given it. */
  async keep(): Promise<void> {
    if (this.#asked >= LIMITS.processRequests) return this.end();
    this.#hold(false);
    this.#waiting.push(this);
    this.#idle = setTimeout(() => void this.end(), LIMITS.processIdleMs).unref();
  }

  /** End it at once, whatever it does; resolves when it has. */
  async end(): Promise<void> {
    this.#leave();
    this.child.kill("SIGKILL");
    await this.#closed;
  }

  /** What it ended of, once it has closed. */
  whyEnded(): ProcessEnding {
    return this.#failure === null ? endingOf(this.child, this.#said) : { error: this.#failure };
  }

  /** It waits no more. */
  #leave(): void {
    clearTimeout(this.#idle);
    const at = this.#waiting.indexOf(this);
    if (at !== -1) this.#waiting.splice(at, 1);
  }

  /** Whether this process goes on for as long as that one does. */
  #hold(isHeld: boolean): void {
    const { child } = this;
    const pipes = [child.stderr, child.stdio[3]].filter((pipe) => pipe instanceof Socket);
    for (const one of [child, child.channel, ...pipes]) {
      if (isHeld) one?.ref();
      else one?.unref();
    }
  }
}

/** No token, password or option of the worker's: what reads strangers' text needs none. */
function environment(): Record<string, string | undefined> {
  const { NODE_COMPILE_CACHE } = threadEnvironment();
  const own = environmentOf(["PATH", "HOME", "TMPDIR"]);
  return NODE_COMPILE_CACHE === undefined ? own : { ...own, NODE_COMPILE_CACHE };
}

/** V8 aborts where its heap is full, and traps where a value is too large for any heap. */
const OF_ENGINE: readonly (NodeJS.Signals | null)[] = ["SIGABRT", "SIGTRAP", "SIGILL"];

function endingOf({ signalCode, exitCode }: ChildProcess, said: string): ProcessEnding {
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
