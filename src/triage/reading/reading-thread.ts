import { parentPort, workerData } from "node:worker_threads";
/** What read-each.ts starts: it reads one item after the other, and tells of each. */
import type { ReadMessage, ReadRequest } from "./read-each.ts";

function post(message: ReadMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  parentPort?.postMessage(message);
}

type ReadItem = () => unknown;

try {
  // read-each.ts is the only one to start this file, with a request as workerData.
  const { module, name, shared, items }: ReadRequest = workerData;
  const { [name]: make } = await import(module);
  if (typeof make !== "function") throw new TypeError(`${module} exports no function ${name}`);
  const read = make(shared);
  for (const item of items) post(await readOne(() => read(item)));
} catch (error) {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  post({ error: { message, stack } });
}

async function readOne(read: ReadItem): Promise<ReadMessage> {
  try {
    return { value: await read() };
  } catch (error) {
    // That is how a text says that it is nested too deeply, or grows beyond what a string holds.
    if (error instanceof RangeError) return { leftOut: "it is nested too deeply, or too large" };
    throw error;
  }
}
