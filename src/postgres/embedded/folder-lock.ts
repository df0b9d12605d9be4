import { EnvironmentError, EXIT_CODES } from "../../errors.ts";
import { tryFileLock } from "../../file-lock.ts";

/**
 * Lock a file path for the life of this process; resolves to the function that releases it.
 * Throws an EnvironmentError that names the pid when a living process holds it.
 */
export async function lockFolder(path: string): Promise<() => Promise<void>> {
  const lock = await tryFileLock(path);
  if (lock.holder === null) return lock.release;
  throw new EnvironmentError(`another triaged (pid ${lock.holder}) holds ${path}`, {
    hint: `stop it first, or use it: the other commands find it by themselves`,
    exitCode: EXIT_CODES.config,
  });
}
