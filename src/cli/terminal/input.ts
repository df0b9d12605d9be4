import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { UsageError } from "./errors.ts";

/**
 * What a word stands for: `@file` its text, `-` what comes on stdin, else itself. Throws a
 * UsageError when the file cannot be read, when its @ is missing, or when more than `maxBytes` come.
 */
export async function readInput(word: string, { maxBytes }: { maxBytes: number }): Promise<string> {
  if (word === "-") {
    return await readAll(process.stdin, { name: "stdin", maxBytes });
  }
  if (word.startsWith("@")) {
    const name = word.slice(1);
    return await readAll(createReadStream(name), { name, maxBytes });
  }
  if (!/^\s*[[{"]/.test(word) && existsSync(word)) {
    throw new UsageError(`expected JSON, got the name of a file: ${word}`, {
      hint: `did you mean @${word}?`,
    });
  }
  return word;
}

async function readAll(
  stream: AsyncIterable<Uint8Array>,
  { name, maxBytes }: { name: string; maxBytes: number },
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) {
        break;
      }
    }
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    throw new UsageError(`cannot read ${name}: ${reason}`, {
      hint: "name a file that is there, from the current folder or by its full path",
      cause: err,
    });
  }
  if (bytes > maxBytes) {
    throw new UsageError(`${name} has more than ${maxBytes} bytes`, {
      hint: "store it elsewhere and enqueue a reference, or raise MAX_PAYLOAD_BYTES",
    });
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Ask the person at the terminal; throws a UsageError where there is nobody to ask. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError(`${question} Nobody is there to confirm it`, { hint: "add --yes" });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
