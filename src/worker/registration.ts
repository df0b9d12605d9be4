import { hostname } from "node:os";
import type { Handler } from "../handler.ts";
import type { Registration } from "../postgres/worker-store.ts";

const LEASE_MS = 15_000;
const MAX_ATTEMPTS_DEFAULT = 3;

/** What this process says of itself when it begins as a worker. */
export function registrationOf(worker: {
  readonly name: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly handlers: ReadonlyMap<string, Handler>;
}): Registration {
  return {
    name: worker.name,
    host: hostname(),
    pid: process.pid,
    queues: worker.queues,
    concurrency: worker.concurrency,
    leaseMs: LEASE_MS,
    taskTypes: [...worker.handlers].map(([name, handler]) => ({
      name,
      maxAttempts: handler.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    })),
  };
}
