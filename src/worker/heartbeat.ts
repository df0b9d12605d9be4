import { once } from "node:events";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Attempt } from "../model/task.ts";
import { threadEnvironment } from "../settings/environment.ts";
import type { HeartbeatMessage, HeartbeatRequest, HeartbeatSettings } from "./heartbeat-thread.ts";
import type { StartedAttempts } from "./started-attempts.ts";

const STOP_MS = 1_000;
/** A beat of the event loop; the thread misses it after a second. */
const BEAT_MS = 100;

/** The heartbeat thread, as its worker sees it. */
export class Heartbeat {
  /** Resolves when the session lock is taken, or none is used. */
  readonly locked: Promise<void>;
  readonly #thread: Worker;
  readonly #beating: NodeJS.Timeout;

  /**
   * `on.dead`: the worker was declared dead, and holds nothing any more. `on.released`: the event
   * loop was blocked, and the thread released the tasks that had not started.
   */
  constructor(
    {
      startedAttempts,
      ...settings
    }: Omit<HeartbeatSettings, "startedAttempts"> & { readonly startedAttempts: StartedAttempts },
    on: {
      cancelRequests: (attempts: readonly Attempt[]) => void;
      dead: () => void;
      released: () => void;
      error: (err: unknown) => void;
    },
  ) {
    // .ts in a checkout, .js once emitted.
    const file = `heartbeat-thread${path.extname(import.meta.filename)}`;
    const workerData: HeartbeatSettings = { ...settings, startedAttempts: startedAttempts.memory };
    this.#thread = new Worker(path.join(import.meta.dirname, file), {
      workerData,
      env: threadEnvironment(),
      // It makes little garbage; without the limit a worker at rest has 5 MB more.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    const locked = Promise.withResolvers<void>();
    this.locked = locked.promise;
    this.#beating = setInterval(() => startedAttempts.beat(), BEAT_MS).unref();
    this.#thread.on("message", (message: HeartbeatMessage) => {
      switch (message.kind) {
        case "beat":
          on.cancelRequests(message.cancelRequests);
          if (message.isLocked) {
            locked.resolve();
          }
          break;
        case "cancels":
          on.cancelRequests(message.cancelRequests);
          break;
        case "dead":
          on.dead();
          break;
        case "released":
          on.released();
          break;
      }
    });
    this.#thread.on("error", on.error);
  }

  /** Look now for the attempts that are to be cancelled; `on.cancelRequests` is called with them. */
  lookForCancels(): void {
    this.#ask("cancels");
  }

  #ask(request: HeartbeatRequest): void {
    this.#thread.postMessage(request);
  }

  /** Stop the heartbeat and release the session lock. */
  async stop(): Promise<void> {
    const exited = once(this.#thread, "exit").catch(() => undefined);
    this.#ask("stop");
    // It may wait for a server that does not answer.
    await Promise.race([exited, delay(STOP_MS, undefined, { ref: false })]);
    await this.#thread.terminate();
    clearInterval(this.#beating);
  }
}
