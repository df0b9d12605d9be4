import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Report, Tally } from "./report.ts";

const STDERR_KEPT = 4_000;

/** A process under measurement: a worker of some contestant. */
export type Child = AsyncDisposable & {
  readonly pid: number;
  /** The handlers in it reported something. */
  readonly onReport: (listener: (report: Report) => void) => void;
  /** How often its no-op was called so far. */
  readonly onTally: (listener: (tally: Tally) => void) => void;
  /** Rejects, with what the process wrote last, unless it ends with 0. */
  readonly ended: Promise<void>;
  readonly kill: () => Promise<void>;
};

/** Only our own handlers write to the channel. */
type Message = Report | Tally;

/**
 * Start a process of this Node, with a channel for reports. Nothing of the environment gets
 * through but PATH and HOME. Left over at the end of its scope, it is killed: `await using`.
 */
export function startChild(words: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(process.execPath, [...words], {
    // oxlint-disable-next-line node/no-process-env -- Handed on, not read.
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], TZ: "UTC", ...env },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  let killed = false;
  // With its pipes and its channel, so that nothing it said is missing.
  const closed = once(child, "close");
  const endWell = async () => {
    await closed;
    if (child.exitCode !== 0 && !killed) {
      const how = child.signalCode ?? `code ${child.exitCode}`;
      throw new Error(`expected ${words.join(" ")} to end with 0, got ${how}: ${stderr}`);
    }
  };
  const ended = endWell();
  ended.catch(() => undefined);
  const kill = async () => {
    killed = true;
    child.kill("SIGKILL");
    await closed;
  };
  return {
    pid: child.pid ?? 0,
    onReport: (listener) => {
      child.on("message", (message: Message) => {
        if ("event" in message) {
          listener(message);
        }
      });
    },
    onTally: (listener) => {
      child.on("message", (message: Message) => {
        if ("calls" in message) {
          listener(message);
        }
      });
    },
    ended,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
