import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/**
 * Import a script and answer its default export. Rejects with what it throws, when it calls
 * process.exit, which would end the worker with the code of a drained queue and no word, and
 * when it is not ready after `deadlineMs`: a top-level await that never ends would end it so.
 */
export async function importFile(file: string, deadlineMs: number): Promise<unknown> {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    throw new Error(`it called process.exit(${code ?? ""})`);
  };
  const loaded = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: loaded.signal }).then(() => {
    throw new Error(`it is not ready after ${deadlineMs / 1000} s`);
  });
  try {
    const module: { default?: unknown } = await Promise.race([
      import(pathToFileURL(file).href),
      late,
    ]);
    return module.default;
  } finally {
    loaded.abort();
    process.exit = exit;
  }
}
