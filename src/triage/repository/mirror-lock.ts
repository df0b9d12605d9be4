import { setTimeout as delay } from "node:timers/promises";
import { tryFileLock } from "../../file-lock.ts";
import { RetryableError } from "../../outcome.ts";
import { lockPathOf } from "./mirror-folder.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";

/** Milliseconds between two looks at a lock that another has. */
const LOOK_MS = 50;

export type LockOptions = { readonly signal: AbortSignal; readonly lockWaitMs?: number };

/**
 * Work on a mirror while nobody else changes it. Waits for a holder that lives, and takes
 * over from one that does not. Rejects with what the work throws, with the signal's reason,
 * and with a RetryableError where the lock is not had within the limit.
 */
export async function underMirrorLock<Result>(
  gitDir: string,
  options: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = await lock(gitDir, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function lock(
  gitDir: string,
  { signal, lockWaitMs = REPOSITORY_LIMITS.lockWaitMs }: LockOptions,
): Promise<() => Promise<void>> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    signal.throwIfAborted();
    const tried = await tryFileLock(lockPathOf(gitDir));
    if (tried.holder === null) return tried.release;
    if (performance.now() > deadline) {
      throw new RetryableError(`process ${tried.holder} has ${lockPathOf(gitDir)} for too long`);
    }
    await delay(LOOK_MS, undefined, { signal });
  }
}
