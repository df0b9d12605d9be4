import { PermanentError } from "../../outcome.ts";

/** The chunks, as long as they are no more together. Throws a PermanentError in place of more. */
export async function* upTo(
  bytesMax: number,
  chunks: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new PermanentError(`${what} more than ${bytesMax} bytes`);
    yield chunk;
  }
}
