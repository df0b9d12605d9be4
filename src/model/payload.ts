/**
 * What may be a payload, checked before it is sent: the database would refuse most of it as
 * well, but with less to say about where the trouble is.
 */
import { forJson, parseExactly } from "./json.ts";

/** The limit of the database, in bytes of JSON, unless both sides are set otherwise. */
const MAX_PAYLOAD_BYTES = 1_048_576;

/** Of all tasks of one call together; sql/functions/enqueue/enqueue-tasks.sql has the same. */
const MAX_BATCH_BYTES = 67_108_864;

/** Deeper nesting is a mistake, or meant to exhaust the stack of whoever reads it. */
const MAX_DEPTH = 200;

/** A payload that cannot be enqueued. The message says where, the hint what to do. */
export class PayloadError extends TypeError {
  override readonly name = "PayloadError";
  readonly hint: string;

  constructor(message: string, options: { hint: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/**
 * Parse the text of a payload; serializePayload writes its numbers as they were. Throws a
 * PayloadError unless it is JSON.
 */
export function parsePayload(text: string): unknown {
  try {
    return parseExactly(text, { decimals: "kept" });
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new PayloadError(`payload is not JSON: ${reason}`, {
      hint: `write it like '{"name": "value"}', or name a file: @payload.json`,
      cause: err,
    });
  }
}

/**
 * The payload as JSON text, fit for the database. Throws a PayloadError when it is no
 * object, larger than `maxBytes`, nested deeper than 200 levels, cannot be serialised (a
 * cycle, NaN), or holds what PostgreSQL or a handler would stumble over: a NUL
 * character, half of a surrogate pair, a `__proto__` key.
 */
export function serializePayload(
  payload: unknown,
  { maxBytes = MAX_PAYLOAD_BYTES }: { maxBytes?: number } = {},
): string {
  const text = stringify(payload);
  const bytes = Buffer.byteLength(text ?? "");
  if (bytes > maxBytes) {
    throw new PayloadError(`payload has ${bytes} bytes, more than the limit of ${maxBytes}`, {
      hint: "store it elsewhere and enqueue a reference, or raise MAX_PAYLOAD_BYTES",
    });
  }
  // Checked as it will be read, after toJSON() and the like.
  const sent: unknown = text === undefined ? undefined : JSON.parse(text);
  if (text === undefined || typeof sent !== "object" || sent === null || Array.isArray(sent)) {
    throw new PayloadError(`expected payload to be a JSON object, got ${kindOf(sent)}`, {
      hint: `wrap it: {"value": …}`,
    });
  }
  checkJson(sent, "payload");
  return text;
}

/**
 * Tasks, each as JSON, as one JSON array. Throws a PayloadError beyond what one call may take:
 * before they are put together, as there are texts that are longer than any string.
 */
export function batchText(tasks: readonly string[]): string {
  const bytes = tasks.reduce((sum, task) => sum + Buffer.byteLength(task), 0);
  if (bytes > MAX_BATCH_BYTES) {
    throw new PayloadError(
      `the tasks have ${bytes} bytes together, more than the limit of ${MAX_BATCH_BYTES}`,
      { hint: "enqueue them in several calls; in one transaction, if it must be all or none" },
    );
  }
  return `[${tasks.join(",")}]`;
}

function stringify(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload, (key, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new TypeError(`${String(value)} at "${key}" has no form in JSON`);
      }
      return forJson(value);
    });
  } catch (err) {
    if (err instanceof RangeError && err.message.includes("call stack")) {
      throw tooDeep("payload"); // It descends by calls.
    }
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new PayloadError(`payload cannot be serialised: ${reason}`, {
      hint: "send plain data: objects without cycles, arrays, text, finite numbers, booleans, null",
      cause: err,
    });
  }
}

/**
 * Look at every text and key of a value of JSON. Throws a PayloadError, which calls the value
 * `name`, as serializePayload does.
 */
export function checkJson(given: unknown, name: string): void {
  // A list and not recursion: the depth is the sender's choice.
  const waiting: { value: unknown; path: string; depth: number }[] = [
    { value: given, path: name, depth: 1 },
  ];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const { value, path, depth } = part;
    if (typeof value === "string") {
      checkText(value, path);
    } else if (value === Infinity || value === -Infinity) {
      throw new PayloadError(`${path} is a number that a handler would read as ${String(value)}`, {
        hint: "send it as text",
      });
    } else if (typeof value === "object" && value !== null) {
      if (depth > MAX_DEPTH) {
        throw tooDeep(name);
      }
      for (const [key, inner] of Object.entries(value)) {
        const place = Array.isArray(value) ? `${path}[${key}]` : `${path}.${printable(key)}`;
        if (!Array.isArray(value)) {
          checkKey(key, place);
        }
        waiting.push({ value: inner, path: place, depth: depth + 1 });
      }
    }
  }
}

function tooDeep(name: string): PayloadError {
  return new PayloadError(`${name} is nested deeper than ${MAX_DEPTH} levels`, {
    hint: "flatten it, or store it elsewhere and enqueue a reference",
  });
}

function checkKey(key: string, path: string): void {
  if (key === "__proto__") {
    throw new PayloadError(`${path} is a key that changes what objects are`, {
      hint: "rename the key",
    });
  }
  checkText(key, path);
}

function checkText(text: string, path: string): void {
  if (text.includes("\0")) {
    throw new PayloadError(`${path} holds a NUL character, which PostgreSQL cannot store`, {
      hint: "take \\u0000 out, or encode binary data as base64",
    });
  }
  if (!text.isWellFormed()) {
    throw new PayloadError(`${path} holds half of a surrogate pair, which is no text`, {
      hint: "cut text between characters, or encode binary data as base64",
    });
  }
}

function printable(key: string): string {
  return /^[\w-]{1,80}$/.test(key) ? key : JSON.stringify(key.slice(0, 80));
}

function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  return Array.isArray(value) ? "an array" : typeof value;
}
