/** What read-each.ts asks: it reads one item after the other, and tells of each. */
import { answerRequests, tellParent } from "./answer-parent.ts";
import type { ReadMessage, ReadRequest } from "./read-each.ts";

type ReadItem = () => unknown;

await answerRequests(async (request) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read-each.ts alone asks
  const { module, name, shared, items } = request as ReadRequest;
  try {
    const { [name]: make } = await import(module);
    if (typeof make !== "function") throw new TypeError(`${module} exports no function ${name}`);
    const read = make(shared);
    for (const item of items) tellParent(await readOne(() => read(item)));
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    tellParent({ error: { message, stack } });
  }
});

async function readOne(read: ReadItem): Promise<ReadMessage<unknown>> {
  try {
    return { value: await read() };
  } catch (error) {
    // That is how a text says that it is nested too deeply, or grows beyond what a string holds.
    if (error instanceof RangeError) return { leftOut: "it is nested too deeply, or too large" };
    throw error;
  }
}
