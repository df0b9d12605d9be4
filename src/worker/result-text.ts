import { InvalidData } from "./invalid-data.ts";

/**
 * The JSON of what a handler returned; undefined becomes null. Throws InvalidData
 * that says why it cannot be stored: running the handler again would not help.
 */
export function resultText(result: unknown, bytesMax: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (err) {
    throw new InvalidData(
      `the result cannot be written as JSON: ${err instanceof Error ? err.message.split("\n")[0] : String(err)}`,
    );
  }
  // Functions and symbols have no JSON; undefined has none either, and means no result.
  if (text === undefined) {
    if (result !== undefined) {
      throw new InvalidData(`the result cannot be written as JSON: it is a ${typeof result}`);
    }
    return "null";
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) {
    throw new InvalidData(
      `the result has ${bytes} bytes, more than the limit of ${bytesMax}; store it elsewhere and return a reference`,
    );
  }
  if (text.includes("\\u") && UNSTORABLE.test(text)) {
    throw new InvalidData(
      "the result holds a NUL character or half of a surrogate pair, which jsonb cannot store",
    );
  }
  return text;
}

/** An escape that is not itself escaped, of NUL or of a lone surrogate. */
// unproven pattern -- the look back has it begin once in a run of backslashes
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
