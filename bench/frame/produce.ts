import { report } from "./report.ts";

/** Calls of each client before the clock counts: code is compiled, plans are made. */
export const WARM_UP_CALLS = 5;

/**
 * Insert `count` tasks, after some to warm up, by `clients` at a time, each one call after the
 * other of `batch` tasks. Reports when the first counted call began and the last was answered.
 */
export async function produce(
  { count, clients, batch }: { count: number; clients: number; batch: number },
  insert: (client: number, size: number) => Promise<unknown>,
): Promise<void> {
  const byAll = async (tasks: number) => {
    let rest = tasks;
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        while (rest > 0) {
          const size = Math.min(batch, rest);
          rest -= size;
          await insert(client, size);
        }
      }),
    );
  };
  await byAll(WARM_UP_CALLS * clients * batch);
  report("first");
  await byAll(count);
  report("last");
}
