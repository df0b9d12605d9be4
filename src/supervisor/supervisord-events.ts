import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** Beyond any notice of supervisord; then this is not its protocol. */
const PAYLOAD_BYTES_MAX = 1_000_000;

/** An event of supervisord: its name, and the `key:value` pairs that came with it. */
export type SupervisorEvent = {
  readonly name: string;
  readonly about: ReadonlyMap<string, string>;
};

/**
 * Be an event listener of supervisord: say READY, read one event, handle it, acknowledge it,
 * and again, until the input ends. Throws for input that is not of this protocol, and what
 * `handle` throws. (http://supervisord.org/events.html)
 */
export async function listenEvents(
  { input, output }: { readonly input: Readable; readonly output: Writable },
  handle: (event: SupervisorEvent) => Promise<void>,
): Promise<void> {
  const reader = new ByteReader(input);
  for (;;) {
    await write(output, "READY\n");
    const header = await reader.line();
    if (header === null) {
      return;
    }
    const about = pairsOf(header);
    const bytes = Number(about.get("len"));
    const name = about.get("eventname");
    if (name === undefined || !(bytes >= 0 && bytes <= PAYLOAD_BYTES_MAX)) {
      throw new Error(`expected the header of a supervisord event, got ${JSON.stringify(header)}`);
    }
    const payload = await reader.bytes(bytes);
    if (payload === null) {
      return;
    }
    // Only its first line has pairs, in events that carry output as well.
    await handle({ name, about: pairsOf(payload.split("\n", 1)[0] ?? "") });
    // The length, then as many bytes, and no newline.
    await write(output, "RESULT 2\nOK");
  }
}

async function write(output: Writable, text: string): Promise<void> {
  if (!output.write(text)) {
    await once(output, "drain");
  }
}

function pairsOf(line: string): ReadonlyMap<string, string> {
  return new Map(
    line
      .split(" ")
      .filter((pair) => pair.includes(":"))
      .map((pair) => {
        const colon = pair.indexOf(":");
        return [pair.slice(0, colon), pair.slice(colon + 1)] as const;
      }),
  );
}

/** Takes lines and counted bytes from a stream, however they come; null at its end. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffered = Buffer.alloc(0);

  constructor(input: Readable) {
    this.#chunks = input[Symbol.asyncIterator]();
  }

  async line(): Promise<string | null> {
    let end = this.#buffered.indexOf("\n");
    while (end < 0) {
      if (!(await this.#more())) {
        return null;
      }
      end = this.#buffered.indexOf("\n");
    }
    const line = this.#take(end);
    this.#take(1);
    return line;
  }

  async bytes(count: number): Promise<string | null> {
    while (this.#buffered.length < count) {
      if (!(await this.#more())) {
        return null;
      }
    }
    return this.#take(count);
  }

  #take(count: number): string {
    const taken = this.#buffered.toString("utf8", 0, count);
    this.#buffered = this.#buffered.subarray(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      return false;
    }
    this.#buffered = Buffer.concat([this.#buffered, value]);
    return true;
  }
}
